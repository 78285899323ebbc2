import Calibration
import JSON
import Reports
import Verification

extension SpliceGap {
  /// Adds what was found to the report.
  func add(to outcome: inout Outcome) {
    guard let last = stages.last else { return }
    outcome.json["function_gap"] = .object(json(last))
    outcome.json["cumulative"] = .array(
      stages.map { stage in
        var object: JSONObject = ["layer": JSONValue(stage.layer)]
        for (key, value) in json(stage).entries { object[key] = value }
        return .object(object)
      })
    for stage in stages {
      let what = stages.count > 1 ? "function gap with layer \(stage.layer)" : "function gap"
      outcome.text += lines(stage, what)
    }
  }

  private func json(_ stage: Stage) -> JSONObject {
    var object = stage.gap.json
    object["tokens"] = .string(origin)
    return object
  }

  private func lines(_ stage: Stage, _ what: String) -> [String] {
    let (gap, logits) = (stage.gap, stage.gap.logits)
    var second = "    relative error of the layer's output \(Quantity.significant(gap.mixer.value))"
    if gap.after.predictions > 0 {
      second +=
        ", nll \(Quantity.significant(gap.before.nll)) → "
        + "\(Quantity.significant(gap.after.nll)) nats per token"
    }
    return [
      "  \(what) over \(Quantity.of(logits.positions, "position")) of \(origin): mean KL "
        + "\(Quantity.significant(logits.meanKL)) nats, max KL \(Quantity.significant(logits.maxKL)) nats, "
        + "top-1 agreement \(Quantity.significant(100 * logits.top1Agreement)) %",
      second,
    ]
  }
}

extension FunctionGap {
  var json: JSONObject {
    var object = logits.json
    object["relative_error"] = JSONValue(mixer.value)
    if after.predictions > 0 {
      object["nll_before"] = JSONValue(before.nll)
      object["nll_after"] = JSONValue(after.nll)
    }
    return object
  }
}
