import Canonical
import Diagnostics
import Runtime
import Splicing
import Threads

/// Fits an M²RNN layer to the layer it replaces, on tokens.
///
/// The original model is run once, and what the layer reads and writes is kept. No gradient goes through
/// the rest of the model.
public struct Calibration: Sendable {
  /// Whether all values are fitted: the output projection in closed form, then all by gradients, then the
  /// projection again. Else one factor for the output of each head is, in closed form.
  let fitsAll: Bool
  /// The steps of optimisation.
  public var steps = 1000
  /// The seed of the order in which sequences are taken.
  public var seed: UInt64 = 0
  /// The number of threads; 0 for all cores. Results do not depend on it.
  public var threads = 0

  /// A fit with the usual settings: of all values for `calibrate`, of one factor for each head else.
  public init(_ initialisation: Splice.Initialisation) { fitsAll = initialisation == .calibrate }

  /// The sequences that run side by side.
  static let batch = 8
  /// The most tokens through which gradients go.
  static let segment = 64

  /// Fits one layer of a changed model.
  /// - Parameters:
  ///   - changed: the model with an M²RNN layer in the place of a layer of `original`.
  ///   - progress: called with the share of the work that is done.
  /// - Throws: `Problem` of kind `invalid` where there is nothing to fit, `unsupported` for an M²RNN
  ///   layer of a kind that is not fitted.
  /// - Cost: `8 · tokens · H` bytes, and the memory of 512 tokens in the layer and its gradient.
  public func fitted(
    _ changed: CanonicalModel, layer: Int, to original: CanonicalModel,
    _ sequences: CalibrationSequences, progress: (Double) -> Void
  ) throws -> (model: CanonicalModel, report: CalibrationReport) {
    guard case .m2rnn(let mixer) = changed.configuration.layers[layer].mixer else {
      throw Problem(.usage, "only an M²RNN layer can be fitted", layer: layer)
    }
    let start = ContinuousClock.now
    let pool = ThreadPool(threads: threads)
    let fitted = try FittedLayer(
      try LayerShape(mixer, hidden: changed.configuration.hidden), sequences: Self.batch,
      length: sequences.segment(limit: Self.segment), pool: pool)
    try fitted.load(changed, layer: layer)
    let model = try Model(original)
    let fitting = try MixerRecording(model, layer: layer, sequences.fitting, threads: threads)
    let heldOut = try MixerRecording(model, layer: layer, sequences.heldOut, threads: threads)
    let job = CalibrationJob(fitted, fitting: fitting, heldOut: heldOut, settings: self)
    var report = try job.run(progress)
    var result = changed
    fitted.store(to: &result, layer: layer)
    report.tokens = (sequences.fittingTokens, sequences.heldOutTokens)
    report.duration = ContinuousClock.now - start
    return (result, report)
  }
}

/// What fitting a layer found.
///
/// Errors are the root of the squared error of the layer's output over the square of what it should be,
/// on held-out sequences.
public struct CalibrationReport: Sendable {
  /// The error before anything was fitted.
  public internal(set) var before = 0.0
  /// The error after the first fit in closed form.
  public internal(set) var closedForm = 0.0
  /// The error in the end.
  public internal(set) var after = 0.0
  /// The steps that were taken.
  public internal(set) var steps = 0
  /// What was added to the diagonal of the last normal equations, as a share of its mean.
  public internal(set) var ridge = 0.0
  /// An estimate of the condition number of these equations.
  public internal(set) var condition = 0.0
  /// The tokens that were fitted on, and those that were held out; none where one prompt served for both.
  public internal(set) var tokens = (fitting: 0, heldOut: 0)
  /// How long it took.
  public internal(set) var duration = Duration.zero
}
