import Canonical

/// The limits of a layer by itself, and of values that are compared without running.
extension Gate {
  /// The limit of the error of a layer that is given the right input: the squared error over the square of
  /// what the layer adds. Nil for a gate that is a largest difference.
  ///
  /// It is a multiple of the change that rounding its input causes in this layer, so that a layer that
  /// magnifies rounding is not blamed for that. It is never below a floor, which well-conditioned layers of
  /// other float32 implementations, with errors of 1e-13, do not reach; and never above the limit of the
  /// output.
  public func limit(_ step: StepComparison) -> Double? {
    switch self {
    case .f32: min(max(Self.room * step.noise.relative, 1e-12), mostNoise) + step.storing
    case .bf16: min(max(Self.room * step.noise.relative, 1e-6), mostNoise) + step.storing
    case .quantised: max(Self.layerRoom * step.rounding, Self.least) + step.storing
    case .maxAbs: nil
    }
  }

  /// The most that rounding of inputs is ever taken to explain.
  private var mostNoise: Double {
    switch self {
    case .f32: 1e-6
    case .bf16, .maxAbs: 1e-2
    case .quantised: 0
    }
  }

  /// Whether the error of a layer is so small that more trials of rounding may still explain it.
  func doubts(_ step: StepComparison) -> Bool {
    limit(step) != nil && !passes(step) && step.relative <= mostNoise
  }

  /// The factor, squared, by which errors of a sound layer may exceed those of rounding its input once:
  /// every product inside rounds too.
  private static let room = 8.0

  /// How much further than random moves within their levels the roundings of weights may take a layer on the
  /// same input, squared: twice as far.
  private static let layerRoom = 4.0
  /// The same for a whole run, in which errors of layers add up.
  private static let wholeRoom = 6.25
  /// What quantised weights are never asked to be better than.
  private static let least = 1e-6

  /// How far off a whole run may be, where rounding takes it so far.
  func wholeLimit(_ rounding: Double) -> Double { max(Self.wholeRoom * rounding, Self.least) }

  /// Whether what a layer adds is what it should add; NaN never is.
  public func passes(_ step: StepComparison) -> Bool {
    switch self {
    case .f32, .bf16: step.relative <= limit(step) ?? 0
    case .quantised: step.relative <= limit(step) ?? 0 || passesWhereSure(step)
    case .maxAbs(let limit): step.maxAbs <= limit
    }
  }

  /// Whether a layer with experts adds what it should for the tokens whose experts rounding does not exchange.
  private func passesWhereSure(_ step: StepComparison) -> Bool {
    guard let relative = step.sure.relative else { return false }
    return relative <= max(Self.layerRoom * step.sureRounding, Self.least) + step.storing
  }

  /// Whether the logits of what the reference gives the final norm are within what rounding explains;
  /// NaN never is.
  func passes(_ head: LogitComparison, noise: LogitComparison) -> Bool {
    switch self {
    case .f32: head.nmse <= min(max(Self.room * noise.nmse, 1e-12), 1e-8)
    case .bf16: head.nmse <= min(max(Self.room * noise.nmse, 1e-5), 1e-4)
    case .quantised: head.nmse <= max(Self.layerRoom * head.rounding.nmse, Self.least)
    case .maxAbs(let limit): !(head.maxAbs > limit) && !head.maxAbs.isNaN
    }
  }

  /// Whether the stream before the first layer is what it should be; NaN never is.
  ///
  /// Rounding embeddings to BF16 costs 1e-6 of it.
  func passes(embedding: HiddenComparison) -> Bool {
    switch self {
    case .f32: embedding.nmse <= 1e-11
    case .bf16: embedding.nmse <= 1e-5
    case .quantised: embedding.nmse <= max(Self.layerRoom * embedding.rounding, 1e-5)
    case .maxAbs(let limit): embedding.maxAbs <= limit
    }
  }

  /// Whether values differ by no more than rounding; false for NaN.
  ///
  /// A value and its BF16 are 2⁻⁸ of its magnitude apart at most; F32 values that another layout stores
  /// in another form come back within some steps of 2⁻²³. Values of a quantisation are off by what rounding to
  /// the nearest level does, by half as much more over a whole tensor where a quantiser makes up for errors
  /// or rounds scales too, and by one and a half as much more in a stretch of it.
  public func passes(_ gap: ValueGap) -> Bool {
    switch self {
    case .f32: gap.rounding <= 0x1p-21
    case .bf16: gap.rounding <= 0x1.2p-8
    case .quantised:
      gap.levels.map { $0.whole <= 1.6 && $0.worst <= 2.5 } ?? (gap.rounding <= 0x1.2p-8)
    case .maxAbs(let limit): gap.maxAbs <= limit
    }
  }

  /// A value of the residual stream, moved as far as rounding moves it.
  /// - Parameter bits: random ones.
  func moved(_ value: Float, _ bits: UInt64) -> Float {
    switch self {
    case .bf16: value * (1 + 0x1p-8 * Float(Int32(truncatingIfNeeded: bits)) * 0x1p-31)
    case .f32, .quantised, .maxAbs: bits & 1 == 0 ? value.nextUp : value.nextDown
    }
  }
}
