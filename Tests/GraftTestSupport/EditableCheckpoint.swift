import Foundation
import JSON
import SystemPackage

/// A copy of a fixture that a test may spoil, in a folder that also takes outputs.
public final class EditableCheckpoint {
  /// Holds the copy, named `model`, and whatever a test puts beside it.
  public let folder: TemporaryDirectory
  /// The copy.
  public let path: FilePath

  /// Copies a fixture, such as `options/tied`.
  public convenience init(_ fixture: String) throws {
    try self.init(copying: Fixtures.path(fixture))
  }

  /// Copies any checkpoint directory.
  public convenience init(copying source: FilePath) throws {
    try self.init(copying: source, into: TemporaryDirectory())
  }

  /// Copies any checkpoint directory into a folder.
  public init(copying source: FilePath, into folder: TemporaryDirectory) throws {
    self.folder = folder
    path = folder.path.appending("model")
    try FileManager.default.copyItem(atPath: source.string, toPath: path.string)
  }

  /// A path beside the copy.
  public func beside(_ name: String) -> FilePath { folder.path.appending(name) }

  /// The names in the folder of the copy, sorted; the copy is one of them.
  public var neighbours: [String] { EditableCheckpoint.names(in: folder.path) }

  /// The names in a directory, hidden ones among them, sorted.
  public static func names(in path: FilePath) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path.string)) ?? []).sorted()
  }

  /// Writes a file of the copy.
  @discardableResult
  public func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> FilePath {
    let file = path.appending(name)
    try Data(bytes).write(to: URL(fileURLWithPath: file.string))
    return file
  }

  /// The bytes of a file of the copy.
  public func bytes(_ name: String) throws -> [UInt8] {
    try Fixtures.contents(path.appending(name))
  }

  /// Removes a file of the copy.
  public func remove(_ name: String) throws {
    try FileManager.default.removeItem(atPath: path.appending(name).string)
  }

  /// Changes the config.
  public func editConfig(_ body: (inout JSONValue) -> Void) throws {
    var config = try JSONValue(parsing: bytes("config.json"))
    body(&config)
    try write("config.json", config.text(indent: 4).utf8)
  }

  /// Replaces the first occurrence of a text in a file.
  public func replace(_ old: String, _ new: String, in name: String = "config.json") throws {
    let text = String(decoding: try bytes(name), as: UTF8.self)
    guard let range = text.range(of: old) else { throw CocoaError(.fileReadCorruptFile) }
    try write(name, text.replacingCharacters(in: range, with: new).utf8)
  }

  /// Changes the tensors of a weight file.
  public func editWeights(
    _ name: String = "model.safetensors", _ body: (inout PlainCheckpointFile) throws -> Void
  ) throws {
    var file = try PlainCheckpointFile(path.appending(name))
    try body(&file)
    try write(name, file.bytes)
  }

  /// All tensors of a checkpoint directory by name.
  public static func tensors(of directory: FilePath) throws -> [String: PlainCheckpointFile.Tensor]
  {
    var tensors: [String: PlainCheckpointFile.Tensor] = [:]
    for name in names(in: directory) where name.hasPrefix("model") && name.hasSuffix(".safetensors")
    {
      for tensor in try PlainCheckpointFile(directory.appending(name)).tensors {
        tensors[tensor.name] = tensor
      }
    }
    return tensors
  }
}

extension Fixtures {
  /// The bytes of any file.
  public static func contents(_ path: FilePath) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path.string)))
  }

  /// Every checkpoint of the fixtures, such as `options/tied`.
  public static let checkpoints: [String] =
    (["lm-engine", "options", "trained", "fla"]
    + EditableCheckpoint.names(in: path("huggingface")).map { "huggingface/\($0)" })
    .flatMap { group in
      EditableCheckpoint.names(in: path(group)).map { "\(group)/\($0)" }
        .filter { FileManager.default.fileExists(atPath: path($0).appending("config.json").string) }
    }
}
