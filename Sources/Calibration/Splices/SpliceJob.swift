import Canonical
import Diagnostics
import Runtime
import Splicing
import Verification

/// Replaces layers of a model, group by group, and fits them where that is asked for.
public struct SpliceJob {
  /// The model whose layers are replaced.
  public let source: CanonicalModel
  /// What is replaced, in the order in which that is done.
  public var groups: [SpliceGroup] = []
  /// The tokens on which layers are fitted and measured; nil for a built-in prompt where that will do.
  public var tokens: TokenBatch?
  /// The file they come from, for messages.
  public var tokensFile: String?
  /// The number of threads; 0 for all cores. Results do not depend on it.
  public var threads = 0
  /// Who watches.
  public var observer: any SpliceObserver = NoObserver()
  /// The remedy for too few tokens when layers are only ranked.
  var fewTokensRemedy: String?

  /// Binds the source for computing.
  let original: () throws -> Model
  private let donors: (String) throws -> CanonicalModel

  /// A job that replaces nothing yet.
  /// - Parameters:
  ///   - original: binds the source for computing.
  ///   - donors: gives the model of the checkpoint at a path.
  public init(
    _ source: CanonicalModel, original: @escaping () throws -> Model,
    donors: @escaping (String) throws -> CanonicalModel
  ) {
    (self.source, self.original, self.donors) = (source, original, donors)
  }

  /// All layers that are replaced, in the order in which that is done.
  public var layers: [Int] { groups.flatMap(\.layers) }

  /// What fitting found, by layer.
  public typealias Reports = [Int: CalibrationReport]

  /// Replaces the layers.
  /// - Throws: `Problem` where a layer cannot be replaced or fitted.
  /// - Cost: 4 bytes of memory per new parameter; as `Calibration` for each layer that is fitted.
  public func replaced() throws -> (model: CanonicalModel, reports: Reports) {
    var (model, reports) = (source, Reports())
    for group in groups {
      model = try group.splice(donors: donors).applied(to: model)
      guard group.initialisation.isFitted else { continue }
      for layer in group.layers {
        (model, reports[layer]) = try fitted(model, layer, group)
      }
    }
    return (model, reports)
  }

  private func fitted(_ model: CanonicalModel, _ layer: Int, _ group: SpliceGroup) throws
    -> (CanonicalModel, CalibrationReport)
  {
    var calibration = Calibration(group.initialisation)
    if let steps = group.steps { calibration.steps = steps }
    (calibration.seed, calibration.threads) = (group.seed, threads)
    let sequences = try sequences(for: group.initialisation)
    return try observer.fitting(layer: layer, steps: calibration.steps) {
      try calibration.fitted(model, layer: layer, to: source, sequences, progress: $0)
    }
  }

  /// The relative error of a new layer's output without each of its heads; nil where heads are not told
  /// apart.
  public func headErrors(_ edited: CanonicalModel, layer: Int) -> [Double]? {
    var calibration = Calibration(.transfer)
    calibration.threads = threads
    let cut = tokens.flatMap { try? CalibrationSequences($0.rows, for: source.configuration) }
    return try? calibration.headErrors(edited, layer: layer, to: source, cut ?? builtIn)
  }

  private var builtIn: CalibrationSequences {
    CalibrationSequences(only: TokenBatch.builtIn(for: source.configuration).rows[0])
  }

  /// What is fitted on: the tokens, or for one factor a head the built-in prompt.
  private func sequences(for initialisation: Splice.Initialisation) throws -> CalibrationSequences {
    if let tokens { return try cut(tokens) }
    guard initialisation != .calibrate else {
      throw Problem(
        .usage, "--init calibrate fits a layer on tokens", remedy: "add --tokens FILE")
    }
    return builtIn
  }

  private func cut(_ tokens: TokenBatch) throws -> CalibrationSequences {
    let isTransfer = groups.allSatisfy { $0.initialisation != .calibrate }
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
    guard groups.contains(where: \.initialisation.isFitted) else {
      return (tokens, "the given tokens")
    }
    let sequences = try cut(tokens)
    return (TokenBatch(rows: sequences.heldOut), "held-out tokens")
  }
}
