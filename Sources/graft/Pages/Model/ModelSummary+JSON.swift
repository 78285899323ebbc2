import Canonical
import Containers
import Diagnostics
import JSON
import Layouts
import Opening

extension ModelSummary {
  var json: JSONObject {
    [
      "layout": .string(model.layout.id),
      "evidence": .array(model.evidence.evidence.map { .string($0) }),
      "container": .string(model.checkpoint.container.rawValue),
      "unread": .array(model.checkpoint.unread.map { .string($0) }),
      "ignored": .array(model.checkpoint.ignored.map { .string($0.text) }),
      "form": .object(JSONObject(form.map { ($0.name, .string($0.text)) })),
      "unused": .array(model.unused.map { .string($0) }),
      "signs": .array(signs.map { .object($0.json) }),
      "directory": .string(model.checkpoint.directory.string),
      "vocabulary": JSONValue(configuration.vocabulary),
      "hidden": JSONValue(configuration.hidden),
      "tied": .bool(configuration.isTied),
      "head": .string(configuration.head.rawValue),
      "other_heads": .array(model.otherHeads.map { .string($0.name) }),
      "facts": .object(facts.json),
      "quantisation": (model.quantisation.map(json) ?? model.packing?.json(plain: plainMatrices))
        .map { .object($0) } ?? .null,
      "findings": .array(model.findings.map { .object($0.json) }),
      "unknown_keys": .array(unknownKeys.map { .string($0) }),
      "mtp": .object(prediction.json),
      "vision": .object(vision.json),
      "parameters": JSONValue(parameters),
      "active_parameters": JSONValue(activeParameters),
      "bytes": JSONValue(byteCount),
      "blocks": .array(blocksJSON.map { .object($0) }),
      "dtypes": .object(
        JSONObject(
          types.map { ($0.type.rawValue, JSONValue($0.tensors)) })),
      "shards": .array(model.checkpoint.weightFiles.map { .string($0) }),
      "tensors": JSONValue(model.stored.tensors.count),
      "sidecars": .array(model.checkpoint.sidecars.map { .string($0) }),
      "beside": .array(beside.json.map { .object($0) }),
      "programs": .array(
        programs.map { ["name": .string($0.name), "state": .string($0.state.rawValue)] }),
      "layers": .array(configuration.layers.indices.map { .object(layer($0)) }),
      "uses": .object(uses.json),
    ]
  }

  func json(_ quantisation: Quantisation) -> JSONObject {
    [
      "method": "fp8",
      "block": quantisation.block.map { [JSONValue($0.rows), JSONValue($0.columns)] } ?? .null,
      "tensors": JSONValue(quantisedTensors), "readable": true,
      "activation_scales": JSONValue(model.activationScales.count),
    ]
  }

  func layer(_ index: Int) -> JSONObject {
    let layer = configuration.layers[index]
    var object: JSONObject = [
      "index": JSONValue(index),
      "mixer": .string(layer.mixer.kind),
      "facts": .object(layer.values.json),
      "parameters": JSONValue(layerParameters[index]),
    ]
    if let mixer = layer.mixer.cost(hidden: configuration.hidden) {
      object["mixer_cost"] = .object(mixer.json)
      object["state_values"] = JSONValue(mixer.stateValues)
      object["state_bytes"] = JSONValue(4 * mixer.stateValues)
    }
    object["mlp_cost"] = .object(layer.feedForward.cost(hidden: configuration.hidden).json)
    return object
  }
}
