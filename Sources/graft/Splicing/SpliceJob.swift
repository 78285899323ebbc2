import Calibration
import Canonical
import Diagnostics
import Opening
import Runtime
import Verification

/// Replaces layers of an opened model, group by group, and measures what that costs.
struct SpliceJob {
  let source: OpenedModel
  let groups: [SpliceGroup]
  /// The tokens the user gave.
  let tokens: TokenBatch?
  /// The file they come from.
  let tokensFile: String?
  let common: CommonOptions
  /// What to do about too few tokens where layers are only compared.
  var fewTokensRemedy: String?

  /// All layers that are replaced, in the order in which that is done.
  var layers: [Int] { groups.flatMap(\.layers) }

  /// What fitting found, by layer.
  typealias Reports = [Int: CalibrationReport]

  /// Replaces the layers.
  /// - Throws: `Problem` where a layer cannot be replaced or fitted.
  func replaced() throws -> (model: CanonicalModel, reports: Reports) {
    var (model, reports) = (source.canonical, Reports())
    for group in groups {
      model = try group.splice().applied(to: model)
      guard let extent = group.strategy.extent else { continue }
      for layer in group.layers {
        (model, reports[layer]) = try fitted(model, layer, extent, group)
      }
    }
    return (model, reports)
  }

  private func fitted(
    _ model: CanonicalModel, _ layer: Int, _ extent: Calibration.Extent, _ group: SpliceGroup
  ) throws -> (CanonicalModel, CalibrationReport) {
    var calibration = Calibration(extent)
    if let steps = group.steps { calibration.steps = steps }
    (calibration.seed, calibration.threads) = (group.seed, common.threads)
    let progress = Progress("fitting layer \(layer)", total: calibration.steps, common)
    defer { progress.finish() }
    return try calibration.fitted(
      model, layer: layer, to: source.canonical, sequences(extent), progress: progress.reach)
  }

  /// The page about what was replaced.
  func report(_ gap: SpliceGap, _ edited: CanonicalModel, title: String, _ lines: [String]) throws
    -> SpliceReport
  {
    var calibration = Calibration(.scale)
    calibration.threads = common.threads
    let sequences = try? tokens.map {
      try CalibrationSequences($0.rows, for: source.configuration)
    }
    let prompt = TokenBatch.builtIn(for: source.configuration).rows[0]
    return SpliceReport(
      title: title, lines: lines,
      layers: gap.errors.map { layer, error in
        let heads = try? calibration.headErrors(
          edited, layer: layer, to: source.canonical,
          sequences ?? CalibrationSequences(only: prompt))
        return SpliceReport.Layer(
          index: layer, positions: error.bars(64), heads: heads, error: error.value)
      })
  }

  /// What is fitted on: the tokens, or for one factor a head the built-in prompt.
  private func sequences(_ extent: Calibration.Extent) throws -> CalibrationSequences {
    let configuration = source.configuration
    if let tokens { return try cut(tokens) }
    guard extent == .scale else {
      throw Problem(
        .usage, "--init calibrate fits a layer on tokens", remedy: "add --tokens FILE")
    }
    return CalibrationSequences(only: TokenBatch.builtIn(for: configuration).rows[0])
  }

  private func cut(_ tokens: TokenBatch) throws -> CalibrationSequences {
    let isTransfer = groups.allSatisfy { $0.strategy != .calibrate }
    let remedy =
      fewTokensRemedy
      ?? (isTransfer
        ? "give more tokens, or none to use the built-in prompt"
        : "give more tokens, or use --init transfer without any")
    return try locating(.file(tokensFile), advising: remedy) {
      try CalibrationSequences(tokens.rows, for: source.configuration)
    }
  }

  /// The tokens on which the result is measured: those held out where something was fitted on tokens,
  /// else the user's, else the built-in prompt.
  func measured() throws -> (batch: TokenBatch, origin: String) {
    guard let tokens else { return (.builtIn(for: source.configuration), "the built-in prompt") }
    guard groups.contains(where: { $0.strategy.extent != nil }) else {
      return (tokens, "the given tokens")
    }
    let sequences = try cut(tokens)
    return (TokenBatch(rows: sequences.heldOut), "held-out tokens")
  }
}
