/// Normalisation of one row; source and target may be the same row.
public protocol NormKernels: SendableMetatype {
  /// `x · rsqrt(mean(x²) + ε) ⊙ w`.
  /// - Shape: `x` and `target` `[count]`.
  static func rms(_ x: Floats, _ weights: NormWeights, target: MutableFloats)

  /// `(x - mean(x)) · rsqrt(var(x) + ε) ⊙ w + b`.
  /// - Shape: `x` and `target` `[count]`.
  static func layer(_ x: Floats, _ weights: NormWeights, target: MutableFloats)
}

/// The weights of a normalisation.
public struct NormWeights {
  /// `[count]`
  public let weight: Floats
  /// `[count]`
  public let bias: Floats?
  /// What is added to the mean of squares.
  public let epsilon: Float
  /// The values of a row.
  public let count: Int

  /// Weights from their parts.
  @inlinable
  public init(weight: Floats, bias: Floats?, epsilon: Float, count: Int) {
    (self.weight, self.bias, self.epsilon, self.count) = (weight, bias, epsilon, count)
  }
}
