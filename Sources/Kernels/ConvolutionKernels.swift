/// The causal depthwise convolution before a recurrence.
public protocol ConvolutionKernels: SendableMetatype {
  /// `y[t, c] = b[c] + Σ_j w[j, c] · x[t + j, c]`.
  ///
  /// The first `taps - 1` rows of `x` are the inputs before this segment, oldest first.
  /// - Shape: `x` `[taps - 1 + steps, channels]`, `weight` `[taps, channels]`, `bias` `[channels]`,
  ///   `y` `[steps, channels]`.
  static func causal(
    _ x: Floats, weight: Floats, bias: Floats?, taps: Int, steps: Int, channels: Int,
    y: MutableFloats
  )
}
