import Reports
import Verification

/// How far each layer's output is off: as bars, by kind of mixer, and as a table.
struct LayerErrors {
  private let report: VerificationReport
  private let prefix: String

  init(_ report: VerificationReport, _ prefix: String) {
    (self.report, self.prefix) = (report, prefix)
  }

  private var divergent: Int? { report.layers.first { !report.gate.passes($0.hidden) }?.index }

  var content: [Markup] {
    [
      chart("NMSE", .nmse) { $0.hidden.nmse }, chart("Max abs", .maxAbs) { $0.hidden.maxAbs },
      LayerColour.legend(report.layers.map { (String($0.mixer.prefix(1)).uppercased(), $0.mixer) }),
      kinds.markup, table.markup,
    ]
  }

  private func chart(
    _ name: String, _ metric: Gate.Check.Metric, _ value: (VerificationReport.Layer) -> Double
  ) -> Markup {
    let bars = report.layers.map { layer in
      BarChart.Bar(
        "\(layer.index)", value(layer),
        limit: report.gate.checks(layer.hidden).first { $0.metric == metric }?.limit,
        kind: LayerColour.name(layer.mixer), isMarked: layer.index == divergent)
    }
    let about =
      "of each layer's output; dashed: the limit"
      + (divergent.map { "; ▾ layer \($0) is the first outside the gate" } ?? "")
    return BarChart("\(prefix)\(name) by layer", about, unit: "layer", bars, isLogarithmic: true)
      .markup
  }

  /// The layers of each kind together.
  private var kinds: DataTable {
    var table = DataTable(
      "\(prefix)By kind of mixer",
      [
        ("mixer", .text), ("layers", .number), ("outside", .number), ("largest max abs", .number),
        ("largest NMSE", .number), ("in layer", .number),
      ])
    for (kind, layers) in Dictionary(grouping: report.layers, by: \.mixer).sorted(by: {
      $0.key < $1.key
    }) {
      let outside = layers.count { !report.gate.passes($0.hidden) }
      let worst = layers.max { !($0.hidden.nmse >= $1.hidden.nmse) }
      let largest = layers.map(\.hidden.maxAbs).max { !($0 >= $1) } ?? 0
      table.add(
        [
          kind, "\(layers.count)", "\(outside)", Quantity.significant(largest),
          Quantity.significant(worst?.hidden.nmse ?? 0), worst.map { "\($0.index)" } ?? "",
        ], isMarked: outside > 0)
    }
    return table
  }

  private var table: DataTable {
    var table = DataTable(
      "\(prefix)Layer by layer",
      [
        ("layer", .number), ("mixer", .text), ("max abs", .number), ("NMSE", .number),
        ("", .text),
      ])
    for layer in report.layers {
      let verdict = report.gate.passes(layer.hidden) ? "within" : "outside"
      table.add(
        [
          "\(layer.index)", layer.mixer, Quantity.significant(layer.hidden.maxAbs),
          Quantity.significant(layer.hidden.nmse),
          layer.index == divergent ? "first \(verdict)" : verdict,
        ], isMarked: layer.index == divergent)
    }
    return table
  }
}
