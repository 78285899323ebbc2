import Canonical
import JSON

/// Parameters, state and arithmetic of replaced layers, before and after.
struct SpliceSummary {
  private let rows: [(layer: Int, before: LayerCost, after: LayerCost, heads: String)]

  init(from old: ModelConfiguration, to new: ModelConfiguration, _ layers: [Int]) {
    rows = layers.compactMap { layer in
      guard let before = old.layers[layer].mixer.cost(hidden: old.hidden),
        let after = new.layers[layer].mixer.cost(hidden: new.hidden),
        case .m2rnn(let mixer) = new.layers[layer].mixer
      else { return nil }
      return (layer, before, after, "N \(mixer.heads), K \(mixer.keyDim), V \(mixer.valueDim)")
    }
  }

  func add(to outcome: inout Outcome) {
    outcome.json["layers"] = .array(
      rows.map { row in
        .object([
          "index": JSONValue(row.layer),
          "before": .object(row.before.json),
          "after": .object(row.after.json),
        ])
      })
    for row in rows {
      outcome.text.append("  layer \(row.layer): M²RNN \(row.heads)")
      outcome.text.append(line("parameters", row.before.parameters, row.after.parameters))
      outcome.text.append(line("state values", row.before.stateValues, row.after.stateValues))
      outcome.text.append(line("FLOPs/token", row.before.flopsPerToken, row.after.flopsPerToken))
    }
  }

  private func line(_ what: String, _ before: Int, _ after: Int) -> String {
    let ratio = before > 0 ? Double(after) / Double(before) : .nan
    let name = what + String(repeating: " ", count: 14 - what.count)
    return "    \(name)\(Quantity.count(before)) → \(Quantity.count(after)) "
      + "(× \(Quantity.significant(ratio)))"
  }
}
