import Canonical
import Kernels

/// An activation bound to its kernel.
package struct ActivationFunction: Sendable {
  package typealias Kernel = @Sendable (UnsafeMutablePointer<Float>, Int, Float) -> Void

  private let kernel: Kernel
  private let slope: Float

  // Bound once: to bind one takes memory, and a token must take none.
  static let sigmoid = ActivationFunction(.sigmoid)
  static let silu = ActivationFunction(.silu)

  package init(_ kind: Activation, slope: Float = 0) {
    kernel = Self.kernel(kind)
    self.slope = slope
  }

  /// Replaces the values of a row.
  package func apply(_ x: UnsafeMutablePointer<Float>, count: Int) { kernel(x, count, slope) }

  private static func kernel(_ kind: Activation) -> Kernel {
    switch kind {
    case .identity: kernels.activations.identity
    case .celu, .elu: kernels.activations.elu
    case .gelu: kernels.activations.gelu
    case .geluTanh: kernels.activations.geluTanh
    case .hardShrink: kernels.activations.hardShrink
    case .hardSigmoid: kernels.activations.hardSigmoid
    case .hardSwish: kernels.activations.hardSwish
    case .hardTanh: kernels.activations.hardTanh
    case .leakyReLU: kernels.activations.leakyReLU
    case .logSigmoid: kernels.activations.logSigmoid
    case .mish: kernels.activations.mish
    case .prelu: kernels.activations.prelu
    case .relu: kernels.activations.relu
    case .reluSquared: kernels.activations.reluSquared
    case .relu6: kernels.activations.relu6
    case .rrelu: kernels.activations.rrelu
    case .selu: kernels.activations.selu
    case .sigmoid: kernels.activations.sigmoid
    case .silu: kernels.activations.silu
    case .softplus: kernels.activations.softplus
    case .softShrink: kernels.activations.softShrink
    case .softSign: kernels.activations.softSign
    case .tanh: kernels.activations.tanh
    case .tanhShrink: kernels.activations.tanhShrink
    }
  }
}
