import Calibration
import JSON
import Reports

extension SpliceRanking {
  /// Adds the table and the choice to the report.
  func add(to outcome: inout Outcome) {
    outcome.json["ranking"] = .array(
      rows.map { row in
        .object([
          "layer": JSONValue(row.layer), "chosen": .bool(chosen.contains(row.layer)),
          "silenced": .object(row.silenced.json), "fitted": .object(row.fitted.json),
        ])
      })
    var table = TextTable(
      header: ["layer", "KL silenced", "KL fitted", "error fitted", "nll fitted", ""], leading: 2)
    for row in rows {
      table.add([
        "\(row.layer)", Quantity.significant(row.silenced.logits.meanKL),
        Quantity.significant(row.fitted.logits.meanKL),
        Quantity.significant(row.fitted.mixer.value), Quantity.significant(row.fitted.after.nll),
        chosen.contains(row.layer) ? "chosen" : "",
      ])
    }
    outcome.text.append("  layers by what is left after \(Self.steps) steps of fitting:")
    outcome.text += table.lines(width: Terminal.columns).map { "  " + $0 }
  }
}
