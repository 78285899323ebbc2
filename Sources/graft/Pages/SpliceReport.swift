import Calibration
import Reports

/// A page that shows where a new layer differs from the old one: by position and by head.
struct SpliceReport {
  /// One replaced layer.
  struct Layer {
    let index: Int
    /// Relative error of the output by position, with the first position of each bar.
    let positions: [(first: Int, error: Double)]
    /// Relative error of the output without each head; nil where heads are not told apart.
    let heads: [Double]?
    /// The relative error of the whole output.
    let error: Double
  }

  let title: String
  let verdict: SpliceVerdict?
  let lines: [String]
  let ranking: SpliceRanking?
  let layers: [Layer]

  var page: Page {
    let tone = verdict.map { $0.isWorseThanSilence ? Page.Verdict.Tone.plain : .good } ?? .plain
    let ranked = ranking.map { [Page.Section("Which layer", [$0.intro, $0.table])] } ?? []
    return Page(
      title, Page.Verdict(tone, "spliced", verdict?.sentence ?? ""),
      [Page.Section("Result", [.lines(lines)])] + ranked + layers.map(Self.section))
  }

  private static func section(_ layer: Layer) -> Page.Section {
    let dashed = "dashed: of the whole output, \(Quantity.significant(layer.error))"
    let positions = BarChart(
      "Relative error of the output by position", dashed, unit: "position",
      layer.positions.map { BarChart.Bar("\($0.first)", $0.error) }
    ).lined(at: layer.error)
    let heads = layer.heads.map { heads in
      BarChart(
        "Relative error of the output without one head", dashed, unit: "head",
        heads.enumerated().map { BarChart.Bar("\($0)", $1) }
      ).lined(at: layer.error)
    }
    return Page.Section(
      "Layer \(layer.index)", [positions.markup] + (heads.map { [$0.markup] } ?? []))
  }
}
