import Diagnostics
import SystemPackage
import Tensors

/// A universal checkpoint of DeepSpeed: a directory for each tensor, with its values and the state of
/// the optimizer in a file each.
///
/// ```
/// zero/model.norm.weight/fp32.pt, exp_avg.pt, exp_avg_sq.pt, step.pt
/// ```
struct UniversalFiles {
  /// The tensors of the model and what lies beside them.
  let content: WeightFile
  /// The names of the files that were read, below the directory.
  let fileNames: [String]

  /// The name of the directory.
  static let folder = "zero"
  /// The name of the file with the values of a tensor.
  private static let fileName = "fp32.pt"
  /// What is added to tensors whose number of rows is that of the vocabulary.
  private static let key = "param"

  /// Opens the files.
  /// - Throws: `Problem` naming the file.
  /// - Cost: reads the pickle of each file.
  init(_ directory: FilePath) throws {
    let folder = directory.appending(Self.folder)
    let names = try DirectoryListing(folder).directories
    guard !names.isEmpty else {
      throw Problem(
        .missing, "a universal checkpoint of DeepSpeed without tensors", file: folder.string,
        expected: "a directory for each tensor, with \(Self.fileName)",
        remedy: "fetch the directory again, or make it anew with ds_to_universal.py")
    }
    var checks: [any PayloadCheck] = []
    let tensors = try names.map { name in
      let path = folder.appending(name).appending(Self.fileName)
      return try locating(.file(path.string)) {
        let file = try MappedFile(path)
        let content = try FileNature.reading(file.bytes, as: .torch) { try TorchContent(file) }
        checks += content.checksums
        return try Self.tensor(name, content, file)
      }
    }
    content = WeightFile(
      tensors: tensors,
      ignored: [IgnoredValue("\(Self.folder)/*/exp_avg.pt", "the state of the optimizer", in: "")],
      payloadChecks: checks)
    fileNames = names.map { "\(Self.folder)/\($0)/\(Self.fileName)" }
  }

  private static func tensor(_ name: String, _ content: TorchContent, _ file: MappedFile) throws
    -> StoredTensor
  {
    let value = content.heap.member(key, of: content.value) ?? content.value
    guard case .tensor(let place) = value else {
      throw Problem(
        .invalid, "the file of a tensor holds another value", tensor: name,
        expected: "a tensor, or one as \(key)", found: value.kind)
    }
    try StoredName.checkTensor(name)
    var views = TensorViews(content, budget: file.count, file: file.path.string)
    return try views.tensor(name, place)
  }
}
