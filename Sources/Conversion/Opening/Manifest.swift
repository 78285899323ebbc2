import Containers
import JSON
import Tensors

/// The record of how a checkpoint came about, written beside it as `graft.json`.
public struct Manifest: Sendable {
  /// A layout the model was in before, and its config there.
  public struct Origin: Hashable, Sendable {
    /// The id of the layout.
    public let layout: String
    /// The form of the layout.
    public let form: String
    /// The text of the config.
    public let config: String
  }

  /// The name of the file.
  public static let fileName = "graft.json"
  /// The version of its structure.
  static let schema = "graft.manifest/1"
  /// The largest record that is read.
  /// - Units: bytes.
  static let limit = 1 << 30

  /// The layouts the model was in before, the latest first.
  public let origins: [Origin]
  /// Values of those layouts that do not follow from the stored ones.
  let kept: [KeptValues]

  /// The manifest beside a checkpoint; nil where there is none, or none that still belongs to the
  /// config.
  public init?(of checkpoint: StoredCheckpoint) {
    guard let config = checkpoint.configBytes, let document = Self.document(of: checkpoint),
      let hash = document["config_sha256"]?.string, hash == TensorHash.text(config)
    else { return nil }
    origins = (document["origins"]?.array ?? []).compactMap(Origin.init)
    kept = (document["kept"]?.array ?? []).compactMap(KeptValues.init)
  }

  /// The manifest beside a checkpoint as it is; nil where there is none that can be read.
  static func document(of checkpoint: StoredCheckpoint) -> JSONValue? {
    guard checkpoint.sidecars.contains(fileName),
      let bytes = try? MappedFile.readAll(checkpoint.path(fileName), limit: limit),
      let document = try? JSONValue(parsing: bytes), document["schema"] == .string(schema)
    else { return nil }
    return document
  }

  /// The origin in a layout, where the model was in it.
  func origin(_ layout: String) -> Origin? { origins.first { $0.layout == layout } }
}

extension OpenedModel {
  /// The layouts that a model converted from this one was in before.
  /// - Parameter record: the record of where this one comes from.
  func origins(_ record: Manifest?) -> [Manifest.Origin] {
    guard let bytes = checkpoint.configBytes else { return [] }
    let here = Manifest.Origin(
      layout: layout.id, form: layout.variant.name, config: String(decoding: bytes, as: UTF8.self))
    return [here] + (record?.origins ?? []).filter { $0.layout != layout.id }
  }
}

extension Manifest.Origin {
  init?(_ value: JSONValue) {
    guard let layout = value["layout"]?.string, let form = value["form"]?.string,
      let config = value["config"]?.string
    else { return nil }
    self.init(layout: layout, form: form, config: config)
  }

  var json: JSONObject {
    ["layout": .string(layout), "form": .string(form), "config": .string(config)]
  }
}
