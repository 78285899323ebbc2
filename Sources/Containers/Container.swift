import Diagnostics
import SystemPackage
import Tensors

/// A kind of weight file: how its files are named, opened and written.
public enum Container: String, CaseIterable, Hashable, Sendable {
  case safetensors
  case torch
  case npz
  case gguf
  /// A directory of `torch.distributed.checkpoint`; such directories are read as `torch`.
  case dcp
  /// The same as Megatron keeps it: in a directory of an iteration, with objects and files of its own.
  case torchDist = "torch_dist"

  /// The kinds of files that hold whole tensors by name.
  static let ofFiles: [Container] = [.safetensors, .torch, .npz, .gguf]

  /// What the names of a model's weight files begin with.
  private var stem: String {
    switch self {
    case .safetensors, .gguf: "model"
    case .torch: "pytorch_model"
    case .npz: "weights"
    case .dcp, .torchDist: "__"
    }
  }

  /// The extensions of weight files; the first is the one written.
  var extensions: [String] {
    switch self {
    case .safetensors: ["safetensors"]
    case .torch: ["bin", "pt", "pth", "ckpt"]
    case .npz: ["npz"]
    case .gguf: ["gguf"]
    case .dcp, .torchDist: ["distcp"]
    }
  }

  /// Whether the files say themselves what model they hold, so that there is no `config.json`.
  public var hasMetadata: Bool { self == .gguf }

  /// Whether the files hold pieces that a file of metadata names, which no reader can do without.
  public var isDistributed: Bool { self == .dcp || self == .torchDist }

  /// The directory inside that of the checkpoint in which all but the trackers of a run lies; nil for none.
  public var folder: String? { self == .torchDist ? MegatronSave.folder : nil }

  /// Whether an index lists several weight files.
  public var isIndexed: Bool { !hasMetadata }

  /// Whether the files can hold tensors of a type.
  public func holds(_ type: ScalarType) -> Bool {
    hasMetadata ? GGUFTensorTypes.code(of: type) != nil : !type.isBlock
  }

  /// The name of the only weight file of a checkpoint.
  public var singleName: String {
    isDistributed ? shardName(1, of: 1) : "\(stem).\(extensions[0])"
  }

  /// The name of the file that lists weight files.
  public var indexName: String {
    isDistributed ? DistributedMetadata.fileName : "\(singleName).index.json"
  }

  /// The name of one of several weight files, counted from 1.
  public func shardName(_ number: Int, of count: Int) -> String {
    // As the first writer of each of as many ranks names its file.
    if isDistributed { return "\(stem)\(number - 1)_0.\(extensions[0])" }
    return "\(stem)-\(Self.fiveDigits(number))-of-\(Self.fiveDigits(count)).\(extensions[0])"
  }

  private static func fiveDigits(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }

  /// Whether a file of that name holds weights of the model, unless an index says otherwise.
  func isWeight(_ name: String) -> Bool {
    (hasMetadata || name.hasPrefix(stem)) && name.hasSuffix(".\(extensions[0])")
  }

  /// Whether a file of that name lies beside a model, such as the projector of images.
  func isBeside(_ name: String) -> Bool { hasMetadata && name.lowercased().contains("mmproj") }

  /// The names of a complete set of weight files one of which has a name; nil for a name that is not
  /// one of several.
  public func family(of name: String) -> [String]? {
    let tail = ".\(extensions[0])"
    let parts = name.dropLast(tail.count).split(separator: "-", omittingEmptySubsequences: false)
    guard name.hasSuffix(tail), parts.count > 3, parts[parts.count - 2] == "of",
      let count = Int(parts[parts.count - 1]), let number = Int(parts[parts.count - 3]),
      (1...99_999).contains(count), (1...count).contains(number)
    else { return nil }
    let stem = parts.dropLast(3).joined(separator: "-")
    return (1...count).map {
      "\(stem)-\(Self.fiveDigits($0))-of-\(Self.fiveDigits(count))\(tail)"
    }
  }

  /// Whether a file of that name lists weight files.
  func lists(_ name: String) -> Bool {
    name == indexName || self == .torch && name == DistributedMetadata.fileName
  }

  /// Whether a file of that name holds weights of a model, or lists such files, in any container.
  static func claims(_ name: String) -> Bool {
    name.hasSuffix(DistributedMetadata.suffix)
      || ofFiles.contains { $0.isWeight(name) || $0.lists(name) }
  }

  /// The container of a file with that extension.
  init?(fileExtension: String?) {
    guard let fileExtension,
      let container = Self.ofFiles.first(where: { $0.extensions.contains(fileExtension) })
    else { return nil }
    self = container
  }

  /// Opens a weight file, or a directory whose files hold pieces.
  /// - Throws: `Problem` of kind `missing`, `io`, `invalid` or `unsupported`, naming the file.
  /// - Cost: reads what describes the tensors, not their bytes.
  public func open(_ path: FilePath) throws -> WeightFile {
    switch self {
    case .safetensors:
      let file = try SafetensorsFile(path)
      return WeightFile(metadata: file.metadata, tensors: file.tensors, ignored: file.ignored)
    case .torch:
      let file = try TorchFile(path)
      return WeightFile(
        tensors: file.tensors, ignored: file.ignored, payloadChecks: file.checksums)
    case .npz:
      let file = try NpzFile(path)
      return WeightFile(
        tensors: file.tensors, ignored: file.ignored, payloadChecks: file.checksums)
    case .gguf:
      let file = try GGUFFile(path)
      return WeightFile(values: file.metadata, tensors: file.tensors)
    case .dcp, .torchDist: return try DistributedCheckpoint(path).content
    }
  }

  /// Writes a new weight file.
  /// - Parameters:
  ///   - tensors: in any order; each is produced once.
  ///   - metadata: free text pairs, for containers that have them.
  ///   - values: typed metadata, for containers that have it.
  ///   - location: where to create the file, which must not exist; a name of an `OutputDirectory`.
  /// - Throws: `Problem`, also of kind `unsupported` where the container has no such type.
  /// - Cost: what describes the tensors and one buffer; no tensor is held.
  public func write(
    _ tensors: [TensorToWrite], metadata: [(key: String, value: String)],
    values: GGUFHeader.Metadata = [], to location: some FileLocation
  ) throws {
    let plan = try locating(
      .file(location.place.path.string),
      advising: "choose another container with --container, or type with --dtype"
    ) {
      try self.plan(of: tensors.map(\.header), metadata: metadata, values: values)
    }
    try WeightFileWriter.write(tensors, plan, to: location)
  }

  /// Plans where everything of a new weight file will lie.
  /// - Throws: `Problem` of kind `unsupported` where the container has no such type, name or shape.
  /// - Cost: what describes the tensors.
  public func plan(
    of tensors: [TensorHeader], metadata: [(key: String, value: String)],
    values: GGUFHeader.Metadata = []
  ) throws -> WeightFilePlan {
    switch self {
    case .safetensors: try SafetensorsWriter.plan(of: tensors, metadata: metadata)
    case .torch: try TorchWriter.plan(of: tensors)
    case .npz: try NpzWriter.plan(of: tensors)
    case .gguf: try GGUFWriter.plan(of: tensors, metadata: values)
    case .dcp: try DistributedWriter.plan(of: tensors)
    case .torchDist: try DistributedWriter.plan(of: tensors, withState: true)
    }
  }
}
