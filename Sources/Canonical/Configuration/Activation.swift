/// An elementwise nonlinearity, with the default parameters of the torch module of that name.
public enum Activation: String, CaseIterable, Hashable, Sendable {
  case identity
  case celu
  case elu
  /// The exact form, `x Φ(x)`.
  case gelu
  case geluTanh = "gelu_tanh"
  case hardShrink = "hard_shrink"
  case hardSigmoid = "hard_sigmoid"
  case hardSwish = "hard_swish"
  case hardTanh = "hard_tanh"
  case leakyReLU = "leaky_relu"
  case logSigmoid = "log_sigmoid"
  case mish
  /// One learned slope for negative inputs.
  case prelu
  case relu
  case reluSquared = "relu_squared"
  case relu6
  /// Evaluation form: the slope is the mean of 1/8 and 1/3.
  case rrelu
  case selu
  case sigmoid
  case silu
  case softplus
  case softShrink = "soft_shrink"
  case softSign = "soft_sign"
  case tanh
  case tanhShrink = "tanh_shrink"
}
