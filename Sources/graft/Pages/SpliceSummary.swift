import Calibration
import Canonical
import JSON
import Reports

/// Parameters, state and arithmetic of replaced layers, before and after.
struct SpliceSummary {
  private let rows: [(layer: Int, before: LayerCost, after: LayerCost, heads: String)]
  private let reports: SpliceJob.Reports

  init(
    from old: ModelConfiguration, to new: ModelConfiguration, _ layers: [Int],
    _ reports: SpliceJob.Reports
  ) {
    self.reports = reports
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
        var object: JSONObject = [
          "index": JSONValue(row.layer),
          "before": .object(row.before.json),
          "after": .object(row.after.json),
        ]
        object["fit"] = reports[row.layer].map { .object($0.json) }
        return .object(object)
      })
    for row in rows {
      outcome.text.append("  layer \(row.layer): M²RNN \(row.heads)")
      outcome.text.append(line("parameters", row.before.parameters, row.after.parameters))
      outcome.text.append(line("state values", row.before.stateValues, row.after.stateValues))
      outcome.text.append(line("FLOPs/token", row.before.flopsPerToken, row.after.flopsPerToken))
      if let report = reports[row.layer] { outcome.text += report.lines }
    }
  }

  private func line(_ what: String, _ before: Int, _ after: Int) -> String {
    let ratio = before > 0 ? Double(after) / Double(before) : .nan
    let name = what + String(repeating: " ", count: 14 - what.count)
    return "    \(name)\(Quantity.count(before)) → \(Quantity.count(after)) "
      + "(× \(Quantity.significant(ratio)))"
  }
}

extension CalibrationReport {
  var json: JSONObject {
    [
      "fitting_tokens": JSONValue(tokens.fitting),
      "held_out_tokens": JSONValue(tokens.heldOut),
      "relative_error_before": JSONValue(before),
      "relative_error_closed_form": JSONValue(closedForm),
      "relative_error": JSONValue(after),
      "steps": JSONValue(steps),
      "ridge": JSONValue(ridge),
      "condition": JSONValue(condition),
      "seconds": JSONValue(duration.seconds),
    ]
  }

  var lines: [String] {
    let taken = steps > 0 ? " in \(Quantity.of(steps, "step"))" : ""
    let others = tokens.heldOut > 0 ? " on \(Quantity.of(tokens.heldOut, "other token"))" : ""
    let last = steps > 0 ? ", \(Quantity.significant(after)) in the end" : ""
    return [
      "    fitted to \(Quantity.of(tokens.fitting, "token"))\(taken), "
        + "\(Quantity.significant(duration.seconds)) s; ridge \(Quantity.significant(ridge)), "
        + "condition \(Quantity.significant(condition))",
      "    relative error of the output\(others): \(Quantity.significant(before)), "
        + "\(Quantity.significant(closedForm)) in closed form\(last)",
    ]
  }
}
