import Calibration
import Canonical
import Diagnostics
import JSON
import Opening
import Reports
import Runtime
import Splicing
import Verification

/// Which layers of a model cost least when they are replaced: each alone, silenced and quickly fitted.
struct SpliceRanking {
  private struct Row {
    let layer: Int
    /// With the output projection of the layer set to zero.
    let silenced: FunctionGap
    /// With the layer replaced and fitted for a few steps.
    let fitted: FunctionGap
  }

  /// The layers that were chosen, in their order.
  let chosen: [Int]
  private let rows: [Row]

  /// The steps of the quick fits.
  private static let steps = 100

  /// Ranks every Gated DeltaNet layer by the KL divergence that is left after the quick fit.
  /// - Throws: `Problem` of kind `usage` without tokens, or where fewer layers can be replaced than are
  ///   wanted; else as fitting and measuring.
  init(
    _ source: OpenedModel, _ group: SpliceGroup, top: Int, tokens: TokenBatch?,
    from tokensFile: String?, _ common: CommonOptions
  ) throws {
    guard let tokens else {
      throw Problem(.usage, "--layer auto compares layers on tokens", remedy: "add --tokens FILE")
    }
    let layers = Splice.replaceable(in: source.configuration)
    guard (1...max(layers.count, 1)).contains(top), !layers.isEmpty else {
      throw Problem(
        .usage, "so many layers cannot be chosen", expected: "1 to \(layers.count)",
        found: "\(top)",
        remedy: "choose --top within the number of Gated DeltaNet layers")
    }
    rows = try layers.map { try Self.row($0, source, group, tokens, tokensFile, common) }
      .sorted { ($0.fitted.logits.meanKL, $0.layer) < ($1.fitted.logits.meanKL, $1.layer) }
    chosen = rows.prefix(top).map(\.layer).sorted()
  }

  private static func row(
    _ layer: Int, _ source: OpenedModel, _ group: SpliceGroup, _ tokens: TokenBatch,
    _ tokensFile: String?, _ common: CommonOptions
  ) throws -> Row {
    var one = group
    (one.layers, one.strategy, one.steps) = ([layer], .calibrate, steps)
    let job = SpliceJob(
      source: source, groups: [one], tokens: tokens, tokensFile: tokensFile, common: common,
      fewTokensRemedy: "give more tokens, or name the layers with --layer N")
    let (original, batch) = (try source.runnable(), try job.measured().batch)
    func gap(_ model: CanonicalModel) throws -> FunctionGap {
      try common.watched("measuring layer \(layer)", total: batch.positions, of: .positions) {
        try FunctionGap(
          .init(to: Model(model), from: original, layer: layer), batch, threads: common.threads,
          progress: $0)
      }
    }
    return Row(
      layer: layer, silenced: try gap(silenced(source.canonical, layer)),
      fitted: try gap(job.replaced().model))
  }

  private static func silenced(_ model: CanonicalModel, _ layer: Int) throws -> CanonicalModel {
    guard let output = model.configuration.layers[layer].mixer.output else { return model }
    let role = Role(output, layer: layer)
    let shape = try model.tensor(role).shape
    var silent = model
    silent.tensors[role] = CanonicalTensor(
      shape: shape, values: Array(repeating: 0, count: shape.reduce(1, *)), origin: "zero")
    return silent
  }

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
