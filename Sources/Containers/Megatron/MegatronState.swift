import Diagnostics
import JSON
import SystemPackage
import Tensors

/// What a Megatron run says of itself beside the weights.
struct MegatronState {
  /// A description of the model and the file that holds it.
  struct Statement: Sendable {
    /// The name of the file.
    let file: String
    /// An object with the names of Megatron's options.
    let config: JSONValue
  }

  /// What describes the model, the one that Megatron's own tools read first in front.
  private(set) var statements: [Statement] = []
  /// The names of files that belong to the save and hold no weights.
  private(set) var fileNames: [String] = []

  private static let commonFile = "common.pt"
  private static let commonObject = "common_state"
  private static let bridgeFile = "run_config.yaml"
  private static let stateFile = "train_state.pt"
  private static let limit = 16 << 20

  /// Reads the options of a run.
  /// - Throws: `Problem` naming the file.
  init(
    _ directory: FilePath, _ metadata: DistributedMetadata, _ pieces: inout DistributedPieces
  ) throws {
    let own = [MegatronBackend.fileName, Self.commonFile, Self.bridgeFile, Self.stateFile]
    fileNames = own.filter { FileKind(directory.appending($0)) == .regular }
    if let bridge = try bridge(directory.appending(Self.bridgeFile)) {
      statements.append(Statement(file: Self.bridgeFile, config: bridge))
    }
    if let (file, content) = try common(directory, metadata, &pieces) {
      let arguments = try locating(.file(directory.appending(file).string)) {
        try Self.arguments(content)
      }
      if let arguments { statements.append(Statement(file: file, config: arguments)) }
    }
  }

  /// What Megatron-Bridge says of the model.
  private func bridge(_ path: FilePath) throws -> JSONValue? {
    guard FileKind(path) == .regular else { return nil }
    return try locating(.file(path.string)) {
      try Self.model(inDump: MappedFile.readAll(path, limit: Self.limit))
    }
  }

  /// The part of a dumped configuration that describes the model.
  /// - Throws: `Problem` of kind `invalid` where there is none.
  static func model(inDump bytes: [UInt8]) throws -> JSONValue {
    let section = try PlainYAML.section("model", of: String(decoding: bytes, as: UTF8.self))
    guard let section, section.object != nil else {
      throw Problem(
        .invalid, "what Megatron-Bridge dumped describes no model",
        expected: "model: with its options below", found: section?.text(indent: 0) ?? "no model:",
        remedy: "fetch the file again")
    }
    return withoutCalls(section)
  }

  /// The same with the names of Python objects, which are written as objects, as texts.
  private static func withoutCalls(_ value: JSONValue) -> JSONValue {
    guard case .object(let object) = value else { return value }
    if object["_call_"] == .bool(false), let name = object["_target_"]?.string {
      let type = name.split(separator: ".")
      return .string(type.count == 2 && type[0] == "torch" ? String(type[1]) : name)
    }
    return .object(JSONObject(object.entries.map { ($0.key, withoutCalls($0.value)) }))
  }

  /// The values that all ranks share: a file, or else an object of the checkpoint.
  private func common(
    _ directory: FilePath, _ metadata: DistributedMetadata, _ pieces: inout DistributedPieces
  ) throws -> (file: String, content: TorchContent)? {
    let path = directory.appending(Self.commonFile)
    if FileKind(path) == .regular {
      return try locating(.file(path.string)) {
        (Self.commonFile, try TorchContent(MappedFile(path), dropsForeign: true))
      }
    }
    let entry = metadata.entries.first {
      MegatronName.group($0.path.joined(separator: ".")) == Self.commonObject && $0.object != nil
    }
    guard let place = entry?.object else { return nil }
    return (place.fileName, try pieces.object(at: place))
  }

  /// The options of Megatron-LM in a dictionary, or in a list of one.
  static func arguments(_ content: TorchContent) throws -> JSONValue? {
    var document = PickleDocument(content.heap)
    let value = content.heap.elements(content.value)?.first ?? content.value
    guard content.heap.pairs(value) != nil else {
      throw Problem(
        .invalid, "what the ranks of a Megatron run share is no dictionary", found: value.kind)
    }
    let arguments = try content.heap.member("args", of: value).map { try document.document($0) }
    return arguments?.object == nil ? nil : arguments
  }
}
