import Containers
import JSON
import Tensors

/// The record of how a checkpoint came about, written beside it as `graft.json`.
public struct Manifest: Sendable {
  /// The name of the file.
  public static let fileName = "graft.json"
  /// The version of its structure.
  package static let schema = "graft.manifest/1"
  /// The largest record that is read.
  /// - Units: bytes.
  private static let limit = 1 << 30

  /// What it says.
  package let document: JSONValue

  /// The record beside a checkpoint as it is; nil where there is none that can be read.
  package init?(beside checkpoint: StoredCheckpoint) {
    guard checkpoint.sidecars.contains(Self.fileName),
      let bytes = try? MappedFile.readAll(checkpoint.path(Self.fileName), limit: Self.limit)
    else { return nil }
    self.init(bytes)
  }

  /// The record at a place; nil where there is none of Graft's.
  package init?(at place: FilePlace) {
    guard let file = try? place.mapped(), file.count <= Self.limit else { return nil }
    self.init(withExtendedLifetime(file) { Array(file.bytes) })
  }

  private init?(_ bytes: [UInt8]) {
    guard let document = try? JSONValue(parsing: bytes), document["schema"] == .string(Self.schema)
    else { return nil }
    self.document = document
  }
}
