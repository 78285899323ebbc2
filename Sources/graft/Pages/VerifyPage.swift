import Reports
import Verification

/// The page of `verify`: the verdict, then logits, layers, and the positions that are worst.
struct VerifyPage {
  private let summary: VerifySummary
  private var report: VerificationReport { summary.report }

  init(_ summary: VerifySummary) { self.summary = summary }

  /// - Parameter others: what follows what was measured.
  func page(_ others: [Page.Section]) -> Page {
    Page(
      "\(summary.model) against \(summary.reference)", verdict,
      [checks] + (report.output == .logits ? [strips] : []) + layers + rounding
        + (report.output == .logits ? [worst] : []) + others)
  }

  private var verdict: Page.Verdict {
    let positions = Quantity.of(report.logits.positions, "position")
    return report.passes
      ? Page.Verdict(.good, "same", "\(positions) within gate \(report.gate.text)")
      : Page.Verdict(
        .bad, "differs", "outside gate \(report.gate.text): \(summary.divergence ?? "")")
  }

  private var checks: Page.Section {
    var table = DataTable(
      "Logits, held to gate \(report.gate.text)",
      [
        ("run", .text), ("metric", .text), ("found", .number), ("limit", .number), ("", .text),
      ])
    for run in summary.runs {
      for check in report.checks(run.logits) {
        let sign = check.metric == .top1OrTie ? "≥" : "≤"
        table.add(
          [
            run.name, check.metric.rawValue, Quantity.significant(check.value),
            "\(sign) \(Quantity.significant(check.limit))", check.passes ? "within" : "outside",
          ], isMarked: !check.passes)
      }
    }
    return Page.Section("Result", [table.markup, all.markup])
  }

  private var all: DataTable {
    var table = DataTable(
      "Logits, all that was measured",
      [
        ("run", .text), ("positions", .number), ("max abs", .number), ("NMSE", .number),
        ("mean KL, nats", .number), ("max KL, nats", .number), ("top-1", .number),
      ])
    for (name, logits, _) in summary.runs {
      table.add([
        name, Quantity.count(logits.positions), Quantity.significant(logits.maxAbs),
        Quantity.significant(logits.nmse), Quantity.significant(logits.meanKL),
        Quantity.significant(logits.maxKL),
        Quantity.significant(100 * logits.top1Agreement) + " %",
      ])
    }
    return table
  }

  private var strips: Page.Section {
    Page.Section(
      "Positions",
      summary.runs.map { run in
        let limit = report.checks(run.logits).first { $0.metric == .maxKL }?.limit
        let points = run.log.entries.map { ($0.divergence, $0.agrees) }
        return PositionStrip(run.name, points, limit: limit).markup
      })
  }

  private var layers: [Page.Section] {
    let reports = [("", report)] + report.named.map { ("\($0.name): ", $0.report) }
    let content = reports.filter { !$0.1.layers.isEmpty }.flatMap {
      LayerErrors($0.1, $0.0).content
    }
    return content.isEmpty ? [] : [Page.Section("Errors by layer", content)]
  }

  /// Layers and tensors beside what rounding explains of them.
  private var rounding: [Page.Section] {
    guard report.gate == .quantised, !report.layers.isEmpty else { return [] }
    var layers = DataTable(
      "Each layer on the input of the reference: squared error over the square of what it adds",
      [
        ("layer", .number), ("mixer", .text), ("found", .number), ("rounding", .number),
        ("limit", .number), ("", .text),
      ])
    for layer in report.layers {
      let passes = report.gate.passes(layer.step)
      layers.add(
        [
          "\(layer.index)", layer.mixer, Quantity.significant(layer.step.relative),
          Quantity.significant(layer.step.rounding),
          Quantity.significant(report.gate.limit(layer.step) ?? 0), passes ? "within" : "outside",
        ], isMarked: !passes)
    }
    return [Page.Section("What rounding explains", [layers.markup] + tensors)]
  }

  private var tensors: [Markup] {
    guard !report.tensors.isEmpty else { return [] }
    var table = DataTable(
      "Quantised tensors: error over that of rounding to the nearest level",
      [
        ("tensor", .text), ("layer", .number), ("whole", .number), ("worst stretch", .number),
        ("", .text),
      ])
    for tensor in report.tensors {
      table.add(
        [
          tensor.name, tensor.layer.map { "\($0)" } ?? "", Quantity.significant(tensor.gap.whole),
          Quantity.significant(tensor.gap.worst), tensor.passes ? "within" : "outside",
        ], isMarked: !tensor.passes)
    }
    return [table.markup]
  }

  private var worst: Page.Section {
    let runs = summary.runs
    let shown = runs.count > 2 ? PositionLog.kept / 2 : PositionLog.kept
    let cards = runs.flatMap { run in run.log.worst.prefix(shown).map { card($0, run.name) } }
    return Page.Section(
      "Worst positions",
      [
        .paragraph(
          "The positions of each run at which the divergence is largest, with what both models "
            + "hold most likely: token ids and probabilities."),
        Markup("div", ["class": "cards"], cards),
      ])
  }

  private func card(_ worst: PositionLog.Worst, _ run: String) -> Markup {
    var table = DataTable(
      "", [("reference", .number), ("p", .number), ("model", .number), ("p", .number)])
    for rank in worst.expected.indices {
      table.add([worst.expected, worst.found].flatMap { Self.cells($0[rank]) })
    }
    let place = "position \(worst.position)" + (worst.row > 0 ? " of prompt \(worst.row)" : "")
    let first = worst.entry.agrees ? "same first choice" : "another first choice"
    return Markup(
      "div", ["class": "card"],
      [
        Markup("h3", "\(place), \(run)"),
        .paragraph(
          "KL \(Quantity.significant(worst.entry.divergence)) nats, "
            + "max abs \(Quantity.significant(worst.maxAbs)), \(first)"),
        table.markup,
      ])
  }

  private static func cells(_ choice: PositionLog.Choice) -> [String] {
    ["\(choice.token)", Quantity.significant(choice.probability)]
  }
}
