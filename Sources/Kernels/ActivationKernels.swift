/// The smooth elementwise nonlinearities, in place, with torch's defaults.
///
/// All have one signature, so that a model binds the one it needs once; `slope` is read by `prelu`
/// only.
public protocol ActivationKernels: SendableMetatype {
  /// Leaves the values as they are.
  static func identity(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// The logistic function.
  static func sigmoid(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// The logarithm of the logistic function.
  static func logSigmoid(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// Multiplies by the logistic function.
  static func silu(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// The hyperbolic tangent.
  static func tanh(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// What the hyperbolic tangent takes away.
  static func tanhShrink(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// `ln(1 + eˣ)`.
  static func softplus(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// `x tanh(softplus(x))`.
  static func mish(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// `x Φ(x)`, the exact form.
  static func gelu(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// `x Φ(x)` through the hyperbolic tangent.
  static func geluTanh(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// `x` above 0, `eˣ - 1` below; also CELU with its default parameter.
  static func elu(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// The self-normalising scaled ELU.
  static func selu(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// `max(x, 0)`.
  static func relu(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// `max(x, 0)²`.
  static func reluSquared(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// `x` limited to `[0, 6]`.
  static func relu6(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// `x` limited to `[-1, 1]`.
  static func hardTanh(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// The logistic function in three straight pieces.
  static func hardSigmoid(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// Multiplies by the logistic function in three straight pieces.
  static func hardSwish(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// Sets values between -1/2 and 1/2 to 0.
  static func hardShrink(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// Moves every value towards 0 by 1/2.
  static func softShrink(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// `x / (1 + |x|)`.
  static func softSign(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// Multiplies negative values by 1/100.
  static func leakyReLU(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// Multiplies negative values by the mean of 1/8 and 1/3.
  static func rrelu(_ x: MutableFloats, _ count: Int, _ slope: Float)

  /// Multiplies negative values by a learned slope.
  static func prelu(_ x: MutableFloats, _ count: Int, _ slope: Float)
}
