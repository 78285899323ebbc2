import JSON
import Opening
import Reports

/// How weights are packed, as `inspect` tells it.
extension PackedStorage {
  /// A line for each scheme, then what is not packed.
  /// - Parameter plain: the matrices that are not packed.
  func lines(plain: Int) -> [String] {
    schemes.enumerated().map { place, entry in
      "\(Quantity.of(entry.weights.count, "weight")): \(entry.scheme.text)"
        + (place == 0 ? ", as \(evidence) tells" : "")
    }
      + (plain > 0 ? ["\(plain) \(plain == 1 ? "matrix" : "matrices") not packed"] : [])
  }

  /// The same as JSON.
  func json(plain: Int) -> JSONObject {
    [
      "method": .string(method),
      "bits": widths.count == 1 ? JSONValue(widths[0]) : .null,
      "bit_widths": .array(widths.map { JSONValue($0) }),
      "evidence": .string(evidence), "readable": true, "tensors": JSONValue(count),
      "schemes": .array(
        schemes.map { scheme, weights in
          [
            "method": .string(scheme.method), "bits": JSONValue(scheme.bits),
            "group": scheme.group.map { JSONValue($0) } ?? .null,
            "tensors": JSONValue(weights.count),
          ]
        }),
      "plain": JSONValue(plain), "activation_scales": JSONValue(beside.count),
    ]
  }
}

extension OpenedModel {
  /// Tells that activations stay plain where the checkpoint has scales for them.
  func addActivations(to outcome: inout Outcome) {
    let count = activationScales.count
    guard count > 0 else { return }
    outcome.json["activation_scales"] = JSONValue(count)
    outcome.text.append("  activations stay plain: \(Quantity.of(count, "scale")) of them not used")
  }

  /// The same of a model that is looked at.
  var activationLines: [String] {
    activationScales.isEmpty
      ? []
      : ["\(Quantity.of(activationScales.count, "scale")) of activations, which stay plain here"]
  }
}
