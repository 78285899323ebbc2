import Diagnostics
import JSON
import Reports
import Verification

/// What `verify` reports for a person.
struct VerifySummary {
  let report: VerificationReport
  let model: String
  let reference: String

  init(_ report: VerificationReport, of model: String, against reference: String) {
    (self.report, self.model, self.reference) = (report, model, reference)
  }

  /// All comparisons of logits, each run by its name.
  var runs: [(name: String, logits: LogitComparison, log: PositionLog)] {
    func runs(_ report: VerificationReport, _ prefix: String) -> [(
      String, LogitComparison, PositionLog
    )] {
      [
        (prefix + "in one piece", report.logits, report.positions),
        (prefix + "token by token", report.stepped, report.steppedPositions),
      ]
    }
    return runs(report, "") + report.named.flatMap { runs($0.report, "\($0.name), ") }
  }

  func outcome(verbose: Bool) -> Outcome {
    var lines = [
      "\(report.passes ? "same" : "differs"): \(model) against \(reference), gate \(report.gate.text)"
    ]
    lines += runs.map { "  \($0.name): \(text($0.logits))" } + ground.map { "  \($0)" }
    if let divergence { lines.append("  \(divergence)") }
    lines += changed + rounding
    if verbose, !report.layers.isEmpty { lines += layers.lines(width: Terminal.columns) }
    return Outcome(json: report.json, text: lines, exitCode: report.passes ? 0 : 1)
  }

  /// What both sides have of the end of the model, where that is not all.
  private var ground: [String] {
    let tokens = report.commonVocabulary.map {
      "compared on the \(Quantity.of($0, "token")) that both have; one of them has more"
    }
    let output =
      switch report.output {
      case .logits: String?.none
      case .finalStates: "final hidden states are compared, because one side has no language head"
      case nil:
        "nothing behind the layers is compared: the reference has neither logits nor "
          + ModelOutput.finalStates.rawValue
      }
    return [tokens, output].compactMap(\.self)
  }

  /// Where the models begin to differ, in one clause; nil where they do not.
  var divergence: String? {
    if report.agreesWhereRun, let beyond { return beyond }
    if let layer = report.firstDivergentLayer {
      if layer == report.unmatchedLayer {
        return "first divergent layer: \(layer), which only one of the models has"
      }
      let mixer = report.layers.indices.contains(layer) ? " (\(report.layers[layer].mixer))" : ""
      return "first divergent layer: \(layer)\(mixer)" + faults
    }
    guard !report.passes else {
      return report.isRounding
        ? "each weight is within BF16 rounding of the other, which explains what differs" : nil
    }
    return report.lacksLayers
      ? "the reference lacks hidden states of some layers, which would tell the layer"
      : "all layers agree: the final norm or the head differs"
  }

  /// The differences that a run does not need to show; nil where there are none.
  private var beyond: String? {
    guard !report.beyondPrompts.isEmpty else { return nil }
    return "what was run agrees, but no prompt reaches what differs: \(others)"
  }

  /// The names of what differs by value outside the layers.
  private var others: String { Self.list(report.beyondPrompts.map(\.name)) }

  /// Which tensors of the layers that differ hold other values, and what else does.
  private var changed: [String] {
    let faulty = Set(report.faultyLayers)
    var lines = report.layers.filter { faulty.contains($0.index) && !$0.changes.isEmpty }
      .prefix(Self.mostNames).map { layer in
        "  other values in layer \(layer.index): \(Self.list(layer.changes.map(\.role.name)))"
      }
    if !report.agreesWhereRun, !report.beyondPrompts.isEmpty {
      lines.append("  other values beside: \(others)")
    }
    return lines
  }

  /// How far quantised tensors are off, over what rounding explains.
  private var rounding: [String] {
    guard let worst = report.tensors.max(by: { !($0.gap.whole >= $1.gap.whole) }) else { return [] }
    let outside = report.tensors.count { !$0.passes }
    let place = worst.layer.map { " of layer \($0)" } ?? ""
    return [
      "  \(Quantity.of(report.tensors.count, "quantised tensor")), \(outside) outside; the furthest off, "
        + "\(worst.name)\(place), errs \(Quantity.significant(worst.gap.whole)) times as much as rounding"
    ]
  }

  private static func list(_ names: [String]) -> String {
    let names = NameFolding.fold(names)
    return names.prefix(mostNames).joined(separator: ", ")
      + (names.count > mostNames ? ", …" : "")
  }

  private static let mostNames = 6

  /// The layers that differ by themselves, where that is more than the first divergent layer says.
  private var faults: String {
    let layers = report.faultyLayers
    guard report.isPlaced, layers.count != 1 else { return "" }
    return layers.isEmpty
      ? "; given the right input each layer agrees"
      : "; given the right input layers \(NameFolding.range(layers)) differ"
  }

  private func text(_ outputs: LogitComparison) -> String {
    let errors =
      "\(Quantity.of(outputs.positions, "position")), max abs \(Quantity.significant(outputs.maxAbs)), "
      + "NMSE \(Quantity.significant(outputs.nmse))"
    guard report.output == .logits else { return errors }
    return errors + ", max KL \(Quantity.significant(outputs.maxKL)) nats, "
      + "top-1 \(Quantity.significant(100 * outputs.top1Agreement)) %"
  }

  private var layers: TextTable {
    var table = TextTable(header: ["layer", "mixer", "max abs", "NMSE"], leading: 2)
    for layer in report.layers {
      table.add([
        "\(layer.index)", layer.mixer, Quantity.significant(layer.hidden.maxAbs),
        Quantity.significant(layer.hidden.nmse),
      ])
    }
    return table
  }
}
