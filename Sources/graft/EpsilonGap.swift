import Comparison
import Conversion
import JSON
import Opening
import Reports
import Verification

/// How far another eps of mixers takes the logits of a checkpoint from those of its source.
struct EpsilonGap {
  /// The tokens of the prompt that is run.
  private static let tokens = 128

  private let facts: [LayoutComparison.Row]
  private let logits: LogitComparison

  /// Runs both models on a short prompt; nil where all facts are the same.
  /// - Cost: twice the prompt through both models.
  init?(of output: OpenedModel, made plan: CheckpointPlan, threads: Int) throws {
    facts = plan.allowed
    guard !facts.isEmpty else { return nil }
    let prompt = TokenBatch.builtIn(for: output.configuration).limited(to: Self.tokens)
    let verifier = try Verifier(output.runnable(), gate: .f32, threads: threads)
    logits = try verifier.compare(with: plan.source.runnable(), tokens: prompt).logits
  }

  func add(to outcome: inout Outcome) {
    for row in facts {
      outcome.text.append(
        "  \(row.fact): \(row.here.text) becomes \(row.there.text) in layers \(row.layerText)")
    }
    outcome.text.append(
      "  logits: max abs \(Quantity.significant(logits.maxAbs)), mean KL "
        + "\(Quantity.significant(logits.meanKL)) nats from the source, on \(logits.positions) tokens"
    )
    outcome.json["eps"] = [
      "facts": .array(
        facts.map { ["fact": .string($0.fact), "here": $0.here.json, "there": $0.there.json] }),
      "max_abs": JSONValue(logits.maxAbs), "mean_kl": JSONValue(logits.meanKL),
      "positions": JSONValue(logits.positions),
    ]
  }
}
