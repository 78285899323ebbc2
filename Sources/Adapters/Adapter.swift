import Containers
import Diagnostics
import JSON
import Opening
import SystemPackage
import Tensors

/// An adapter on disk: what it changes in a model that lies elsewhere.
public struct Adapter: Sendable {
  /// What was given: a directory or a file.
  public let path: String
  /// What all changes are multiplied with.
  public let scale: Double
  /// The base that it was trained on, as the trainer named it.
  public var base: String? { config.base }
  /// The files that hold it, with their hashes.
  public let files: [AdapterRecord.File]
  let config: AdapterConfig
  private(set) var tensors: AdapterTensors

  /// The name of the settings.
  static let configName = "adapter_config.json"
  private static let weightNames = [
    "adapter_model.safetensors", "adapter_model.bin", "adapters.safetensors",
  ]
  private static let configLimit = 16 << 20

  /// Opens an adapter.
  /// - Parameter text: a path, perhaps with `=` and a scale behind it.
  /// - Throws: `Problem` of kind `missing`, `invalid`, `unsupported` or `io`, naming the file.
  /// - Cost: reads the files once, for their hashes.
  public init(_ text: String) throws {
    let (path, scale) = try Self.split(text)
    (self.path, self.scale) = (path, scale)
    let place = FilePath(path)
    let (settings, weights) = try Self.files(place)
    let file = try locating(.file(weights.string)) { try Container(of: weights).open(weights) }
    for check in file.payloadChecks { try locating(.file(weights.string)) { try check.check() } }
    if let settings {
      config = try locating(.file(settings.string)) {
        try AdapterConfig(
          JSONValue(parsing: try MappedFile.readAll(settings, limit: Self.configLimit), .python))
      }
    } else {
      config = try locating(.file(weights.string)) { try AdapterConfig(gguf: file) }
    }
    let family = config.family
    tensors = try locating(.file(weights.string)) { try AdapterTensors(file.tensors, family) }
    files = try ([settings].compactMap(\.self) + [weights]).map { file in
      AdapterRecord.File(
        file, sha256: try TensorHash.stored(ByteRegion(try MappedFile(file))))
    }
  }

  /// The adapter under the names of a class with a head, where its own are those of a class without; nil for others.
  var inWholeModel: Adapter? {
    guard config.family == .peft, let tensors = tensors.below("model.") else { return nil }
    var adapter = self
    adapter.tensors = tensors
    return adapter
  }

  /// Refuses an adapter without any of the modules that its settings call saved whole, where the base has them: PEFT
  /// takes names of modules that there are not, and saves nothing.
  /// - Parameter names: the stored tensors of the base.
  func checkSaved(among names: [String]) throws {
    let saved = config.saved.filter { end in names.contains { $0.contains(end) } }
    let isThere = tensors.replacements.contains { name, _ in saved.contains(where: name.contains) }
    guard saved.isEmpty || isThere else {
      throw AdapterProblem.unsaved(saved, files.last?.path.string ?? path)
    }
  }

  /// A path and a scale; a path that exists has none, whatever is in it.
  private static func split(_ text: String) throws -> (path: String, scale: Double) {
    guard FileKind(FilePath(text)) == .absent, let equals = text.lastIndex(of: "=") else {
      return (text, 1)
    }
    guard let scale = Double(text[text.index(after: equals)...]), scale.isFinite else {
      throw Problem(
        .usage, "not an adapter with a scale", expected: "DIR or DIR=SCALE, such as DIR=0.5",
        found: text, remedy: "check the path, and give a finite number")
    }
    return (String(text[..<equals]), scale)
  }

  /// The settings, where they are a file of their own, and the weights.
  private static func files(_ path: FilePath) throws -> (settings: FilePath?, weights: FilePath) {
    switch FileKind(path) {
    case .absent:
      throw Problem(
        .missing, "there is no such adapter", file: path.string, remedy: "check the path")
    case .directory:
      let known = weightNames.map(path.appending).first { FileKind($0) == .regular }
      let others = try StoredCheckpoint.fileNames(in: path).filter { $0.hasSuffix(".gguf") }
      if known == nil, others.count == 1 { return (nil, path.appending(others[0])) }
      guard let known else {
        throw Problem(
          .missing, "the directory holds no adapter", file: path.string,
          expected: weightNames.joined(separator: " or "),
          remedy: "give the directory in which the adapter was saved")
      }
      return (try settings(in: path), known)
    default:
      let isGGUF = path.extension == "gguf"
      return (isGGUF ? nil : try settings(in: path.removingLastComponent()), path)
    }
  }

  private static func settings(in directory: FilePath) throws -> FilePath {
    let file = (directory.isEmpty ? "." : directory).appending(configName)
    guard FileKind(file) == .regular else {
      throw Problem(
        .missing, "the adapter has no settings, which say its scale", file: file.string,
        remedy: "put the adapter_config.json that was saved with it there")
    }
    return file
  }
}

extension AdapterConfig {
  /// The settings of an adapter file of llama.cpp.
  /// - Throws: `Problem` of kind `unsupported` for a file that is none.
  fileprivate init(gguf file: WeightFile) throws {
    let values = GGUFConfig.object(file.values, file.tensors.map { ($0.name, $0.shape) })
    let (type, kind) = (values["general.type"]?.string, values["adapter.type"]?.string ?? "lora")
    guard type == "adapter", kind == "lora" else {
      throw Problem(
        .unsupported, "the file is no LoRA adapter",
        expected: "general.type adapter, adapter.type lora",
        found: "\(type ?? "no type"), \(kind)", remedy: "give an adapter of llama.cpp, or of PEFT")
    }
    guard let alpha = values["adapter.lora.alpha"]?.number, alpha.isFinite else {
      throw Problem(
        .invalid, "the adapter does not say its alpha", expected: "adapter.lora.alpha",
        remedy: "convert the adapter again")
    }
    self.init(gguf: alpha, base: values["general.base_model.0.name"]?.string)
  }
}
