/// The causal depthwise convolution before a recurrence.
public protocol ConvolutionKernels: SendableMetatype {
  /// `y[t, c] = b[c] + Σ_j w[j, c] · x[t + j, c]`.
  ///
  /// The first `taps - 1` rows of `x` are the inputs before this segment, oldest first.
  /// - Shape: `x` `[taps - 1 + steps, channels]`, `y` `[steps, channels]`.
  static func causal(_ x: Floats, _ taps: ConvolutionTaps, steps: Int, y: MutableFloats)
}

/// The weights of a depthwise convolution.
public struct ConvolutionTaps {
  /// `[count, channels]`
  public let weight: Floats
  /// `[channels]`
  public let bias: Floats?
  /// The number of taps.
  public let count: Int
  /// The number of channels.
  public let channels: Int

  /// Weights from their parts.
  @inlinable
  public init(weight: Floats, bias: Floats?, count: Int, channels: Int) {
    (self.weight, self.bias, self.count, self.channels) = (weight, bias, count, channels)
  }
}
