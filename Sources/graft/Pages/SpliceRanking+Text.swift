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

extension SpliceRanking {
  /// What the table of the page says.
  var intro: Markup {
    Markup.paragraph(
      "Each layer alone, on held-out tokens: silenced, and replaced and fitted for \(Self.steps) steps. "
        + "The layer that leaves the least KL divergence, in nats, is chosen.")
  }

  /// The ranking as a table of a page.
  var table: Markup {
    var table = DataTable(
      "Layers by what is left after the quick fit",
      [
        ("layer", .number), ("KL silenced", .number), ("KL fitted", .number),
        ("error fitted", .number), ("nll fitted", .number), ("", .text),
      ])
    for row in rows {
      table.add(
        [
          "\(row.layer)", Quantity.significant(row.silenced.logits.meanKL),
          Quantity.significant(row.fitted.logits.meanKL),
          Quantity.significant(row.fitted.mixer.value), Quantity.significant(row.fitted.after.nll),
          chosen.contains(row.layer) ? "chosen" : "",
        ], isMarked: chosen.contains(row.layer))
    }
    return table.markup
  }
}
