/// Normalisation of one row; source and target may be the same row.
public protocol NormKernels: SendableMetatype {
  /// `x · rsqrt(mean(x²) + ε) ⊙ w`.
  /// - Shape: `x`, `weight` and `target` `[count]`.
  static func rms(
    _ x: Floats, weight: Floats, epsilon: Float, count: Int, target: MutableFloats
  )

  /// `(x - mean(x)) · rsqrt(var(x) + ε) ⊙ w + b`.
  /// - Shape: `x`, `weight`, `bias` and `target` `[count]`.
  static func layer(
    _ x: Floats, weight: Floats, bias: Floats?, epsilon: Float, count: Int, target: MutableFloats
  )
}
