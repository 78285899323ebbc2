import Canonical
import Diagnostics
import JSON
import Opening
import Reports
import Runtime
import Verification

/// What the replacement of layers costs, after each of them.
struct SpliceGap {
  /// One layer and what it and those before it cost together.
  private struct Stage {
    let layer: Int
    let gap: FunctionGap
  }

  private let origin: String
  private let stages: [Stage]

  /// Measures the written model, and for several layers what lies on the way to it.
  /// - Throws: `Problem` where the models cannot be run.
  init(_ job: SpliceJob, edited: CanonicalModel, written: Model) throws {
    let (batch, origin) = try job.measured()
    let original = try job.source.runnable()
    self.origin = origin
    var model = job.source.canonical
    let total = job.layers.count * batch.positions
    stages = try job.common.watched("measuring", total: total, of: .positions) { advance in
      try job.layers.enumerated().map { index, layer in
        model.take(layer, from: edited)
        let isLast = index == job.layers.count - 1
        let changed = isLast ? written : try Model(model)
        let gap = try FunctionGap(
          .init(to: changed, from: original, layer: layer), batch, threads: job.common.threads,
          progress: advance)
        return Stage(layer: layer, gap: gap)
      }
    }
  }

  /// The error of each layer's output, with those before it replaced.
  var errors: [(layer: Int, error: RelativeError)] { stages.map { ($0.layer, $0.gap.mixer) } }

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

extension CanonicalModel {
  /// Takes the mixer of a layer from another model.
  fileprivate mutating func take(_ layer: Int, from other: CanonicalModel) {
    configuration.layers[layer].mixer = other.configuration.layers[layer].mixer
    for role in tensors.keys where role.layer == layer { tensors[role] = nil }
    for (role, tensor) in other.tensors where role.layer == layer { tensors[role] = tensor }
  }
}
