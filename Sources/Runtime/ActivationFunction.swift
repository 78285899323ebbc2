import Canonical
import Kernels

/// An activation bound to its kernel.
struct ActivationFunction: Sendable {
  typealias Kernel = @Sendable (UnsafeMutablePointer<Float>, Int, Float) -> Void

  private let kernel: Kernel
  private let slope: Float

  init(_ kind: Activation, slope: Float = 0) {
    kernel = Self.kernel(kind)
    self.slope = slope
  }

  /// Replaces the values of a row.
  func apply(_ x: UnsafeMutablePointer<Float>, count: Int) { kernel(x, count, slope) }

  private static func kernel(_ kind: Activation) -> Kernel {
    switch kind {
    case .identity: Activations.identity
    case .celu, .elu: Activations.elu
    case .gelu: Activations.gelu
    case .geluTanh: Activations.geluTanh
    case .hardShrink: Activations.hardShrink
    case .hardSigmoid: Activations.hardSigmoid
    case .hardSwish: Activations.hardSwish
    case .hardTanh: Activations.hardTanh
    case .leakyReLU: Activations.leakyReLU
    case .logSigmoid: Activations.logSigmoid
    case .mish: Activations.mish
    case .prelu: Activations.prelu
    case .relu: Activations.relu
    case .reluSquared: Activations.reluSquared
    case .relu6: Activations.relu6
    case .rrelu: Activations.rrelu
    case .selu: Activations.selu
    case .sigmoid: Activations.sigmoid
    case .silu: Activations.silu
    case .softplus: Activations.softplus
    case .softShrink: Activations.softShrink
    case .softSign: Activations.softSign
    case .tanh: Activations.tanh
    case .tanhShrink: Activations.tanhShrink
    }
  }
}
