import Canonical

/// The limits of a layer by itself, and of values that are compared without running.
extension Gate {
  /// How far a layer may be off where it reads what it should read, as the squared error over the square
  /// of what it adds; nil for a gate that asks for the largest difference.
  ///
  /// It is a multiple of what moving the input by rounding does to this very layer, so that layers that
  /// magnify rounding are not blamed for it. Well-conditioned layers of other implementations in float32
  /// are off by 1e-13, and stay below the least limit; no layer may be off by more than its output may.
  public func limit(_ step: StepComparison) -> Double? {
    switch self {
    case .f32: min(max(Self.room * step.noise.relative, 1e-12), mostNoise) + step.storing
    case .bf16: min(max(Self.room * step.noise.relative, 1e-6), mostNoise) + step.storing
    case .maxAbs: nil
    }
  }

  /// The most that rounding is ever taken to explain.
  private var mostNoise: Double { self == .f32 ? 1e-6 : 1e-2 }

  /// Whether a layer is off by so little that rounding may explain it after all.
  func doubts(_ step: StepComparison) -> Bool {
    limit(step) != nil && !passes(step) && step.relative <= mostNoise
  }

  /// How much further than one rounding of its input the errors of a sound layer go, squared: every
  /// product inside rounds too.
  private static let room = 8.0

  /// Whether what a layer adds is what it should add; NaN never is.
  public func passes(_ step: StepComparison) -> Bool {
    switch self {
    case .f32, .bf16: step.relative <= limit(step) ?? 0
    case .maxAbs(let limit): step.maxAbs <= limit
    }
  }

  /// Whether the logits of what the reference gives the final norm are within what rounding explains;
  /// NaN never is.
  func passes(_ head: LogitComparison, noise: LogitComparison) -> Bool {
    switch self {
    case .f32: head.nmse <= min(max(Self.room * noise.nmse, 1e-12), 1e-8)
    case .bf16: head.nmse <= min(max(Self.room * noise.nmse, 1e-5), 1e-4)
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
    case .maxAbs(let limit): embedding.maxAbs <= limit
    }
  }

  /// Whether values differ by no more than rounding; NaN never does.
  ///
  /// A value and its BF16 are 2⁻⁸ of its magnitude apart at most; F32 values that another layout stores
  /// in another form come back within some steps of 2⁻²³.
  public func passes(_ gap: ValueGap) -> Bool {
    switch self {
    case .f32: gap.rounding <= 0x1p-21
    case .bf16: gap.rounding <= 0x1.2p-8
    case .maxAbs(let limit): gap.maxAbs <= limit
    }
  }

  /// A value of the residual stream, moved as far as rounding moves it.
  /// - Parameter bits: random ones.
  func moved(_ value: Float, _ bits: UInt64) -> Float {
    switch self {
    case .bf16: value * (1 + 0x1p-8 * Float(Int32(truncatingIfNeeded: bits)) * 0x1p-31)
    case .f32, .maxAbs: bits & 1 == 0 ? value.nextUp : value.nextDown
    }
  }
}
