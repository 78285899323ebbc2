import Diagnostics
import SystemPackage
import Tensors

extension Container {
  /// The container of a weight file: by its extension, or else by its first bytes.
  /// - Throws: `Problem` of kind `unsupported` where it is none.
  package init(of path: FilePath) throws {
    if let container = Container(fileExtension: path.extension) {
      self = container
      return
    }
    let file = try MappedFile(path)
    let nature = FileNature(file.bytes)
    guard let container = nature.flatMap(Self.init(_:)) else {
      throw Self.refusal(of: file, nature)
    }
    self = container
  }

  private init?(_ nature: FileNature) {
    switch nature {
    case .safetensors: self = .safetensors
    case .torch: self = .torch
    case .npz: self = .npz
    case .gguf: self = .gguf
    default: return nil
    }
  }

  private static func refusal(of file: MappedFile, _ nature: FileNature?) -> Problem {
    let extensions = ofFiles.flatMap(\.extensions).map { "." + $0 }
    var problem =
      nature?.problem(file.bytes, instead: .safetensors)
      ?? Problem(.unsupported, "not a weight file that can be read")
    problem.kind = .unsupported
    problem.expected = "a \(extensions.joined(separator: ", ")) file, an index or a directory"
    return problem.located(.file(file.path.string))
  }
}
