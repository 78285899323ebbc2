import Kernels

/// A causal depthwise convolution whose taps lie some positions apart.
struct SpacedConvolution: Sendable {
  private let taps: Int
  private let spacing: Int
  private let channels: Int
  /// `[taps, channels]`
  private let weight: FloatBuffer

  /// - Parameter weight: `[channels, taps]`, the newest input last.
  init(taps: Int, spacing: Int, channels: Int, weight: [Float]) throws {
    (self.taps, self.spacing, self.channels) = (taps, spacing, channels)
    self.weight = try FloatBuffer(
      (0..<taps).flatMap { tap in (0..<channels).map { weight[$0 * taps + tap] } })
  }

  /// The inputs that a segment needs from before it.
  var history: Int { (taps - 1) * spacing }

  /// Convolves one position.
  /// - Shape: `x` `[history + 1, channels]`, `y` and `product` `[channels]`.
  func apply(
    _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>,
    product: UnsafeMutablePointer<Float>
  ) {
    y.update(repeating: 0, count: channels)
    for tap in 0..<taps {
      product.update(from: weight.pointer + tap * channels, count: channels)
      kernels.elementwise.multiply(product, by: x + tap * spacing * channels, count: channels)
      kernels.elementwise.add(y, product, scale: 1, count: channels)
    }
  }
}
