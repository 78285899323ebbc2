import JSON
import Reports
import Verification

/// What rounding did to what a model says, for reports.
struct RoundingLoss {
  /// How many layers a report names.
  private static let most = 3

  private let report: VerificationReport

  /// What a comparison with the source found.
  init(_ report: VerificationReport) { self.report = report }

  /// The layers by their own error, given the inputs of the source, the worst first.
  private var layers: [(index: Int, mixer: String, error: Double)] {
    report.layers.map { ($0.index, $0.mixer, $0.step.relative.squareRoot()) }
      .sorted { $0.error > $1.error }
  }

  private var json: JSONValue {
    .object([
      "positions": JSONValue(report.logits.positions), "mean_kl": JSONValue(report.logits.meanKL),
      "max_kl": JSONValue(report.logits.maxKL), "top1": JSONValue(report.logits.top1Agreement),
      "layers": .array(
        layers.map { layer in
          .object([
            "layer": JSONValue(layer.index), "mixer": .string(layer.mixer),
            "relative_error": JSONValue(layer.error),
          ])
        }),
    ])
  }

  /// Adds it to what a conversion tells.
  func add(to outcome: inout Outcome) {
    outcome.json["against_source"] = json
    outcome.text += lines
  }

  private var lines: [String] {
    let logits = report.logits
    let worst = layers.prefix(Self.most).map { layer in
      "\(layer.index) (\(layer.mixer)) \(Quantity.significant(layer.error))"
    }
    return [
      "  against the source at \(Quantity.of(logits.positions, "position")): "
        + "mean KL \(Quantity.significant(logits.meanKL)), "
        + "top-1 \(Quantity.significant(100 * logits.top1Agreement)) %",
      "  layers that lost most by themselves: \(worst.joined(separator: ", "))",
    ]
  }
}
