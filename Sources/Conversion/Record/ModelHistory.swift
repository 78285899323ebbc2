import Containers
import JSON
import Layouts
import Opening

/// The layouts that a model was in before, as the record beside it tells.
struct ModelHistory: Sendable {
  /// A layout the model was in before, and its config there.
  struct Origin: Hashable, Sendable {
    /// The id of the layout.
    let layout: String
    /// The form of the layout.
    let form: String
    /// The text of the config.
    let config: String
    /// The hash of the layout file; nil for a layout that was part of the build.
    var layoutHash: String?
  }

  /// The layouts the model was in before, the latest first.
  let origins: [Origin]
  /// Values of those layouts that do not follow from the stored ones.
  let kept: [KeptValues]

  /// What the record beside a checkpoint tells; nil where there is none, or none that still belongs to
  /// the config.
  /// - Cost: reads and parses it anew, and hashes the config.
  init?(of checkpoint: StoredCheckpoint) {
    guard let config = checkpoint.configBytes,
      let document = Manifest(beside: checkpoint)?.document,
      let hash = document["config_sha256"]?.string, hash == TensorHash.text(config)
    else { return nil }
    origins = (document["origins"]?.array ?? []).compactMap(Origin.init)
    kept = (document["kept"]?.array ?? []).compactMap(KeptValues.init)
  }

  /// The origin in a layout, where the model was in it.
  func origin(_ layout: String) -> Origin? { origins.first { $0.layout == layout } }
}

extension OpenedModel {
  /// The layouts that a model converted from this one was in before.
  /// - Parameter history: where this one comes from.
  func origins(_ history: ModelHistory?) -> [ModelHistory.Origin] {
    guard let bytes = checkpoint.configBytes else { return [] }
    let here = ModelHistory.Origin(
      layout: layout.id, form: layout.form.name, config: String(decoding: bytes, as: UTF8.self),
      layoutHash: layout.record?.sha256)
    return [here] + (history?.origins ?? []).filter { $0.layout != layout.id }
  }
}

extension ModelHistory.Origin {
  init?(_ value: JSONValue) {
    guard let layout = value["layout"]?.string, let form = value["form"]?.string,
      let config = value["config"]?.string
    else { return nil }
    self.init(
      layout: layout, form: form, config: config, layoutHash: value["layout_sha256"]?.string)
  }

  var json: JSONObject {
    var object: JSONObject = [
      "layout": .string(layout), "form": .string(form), "config": .string(config),
    ]
    object["layout_sha256"] = layoutHash.map { .string($0) }
    return object
  }
}
