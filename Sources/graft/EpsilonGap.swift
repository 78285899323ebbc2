import Comparison
import Conversion
import JSON
import Reports
import Verification

/// How far another eps of mixers takes the logits of a checkpoint from those of its source.
struct EpsilonGap {
  /// The tokens of the prompt that is run.
  private static let tokens = 128

  private let facts: [LayoutComparison.Row]
  private let logits: LogitComparison

  /// What a comparison with the source found on a prompt.
  init(_ facts: [LayoutComparison.Row], _ report: VerificationReport) {
    (self.facts, logits) = (facts, report.logits)
  }

  /// The prompt of a conversion that allows other facts; nil for one where all are the same.
  static func prompt(for plan: CheckpointPlan) -> TokenBatch? {
    plan.allowed.isEmpty
      ? nil : TokenBatch.builtIn(for: plan.source.configuration).limited(to: tokens)
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
