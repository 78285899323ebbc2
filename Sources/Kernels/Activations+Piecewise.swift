extension Activations {
  /// `max(x, 0)`.
  @inline(never)
  public static func relu(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    mapInPlace(x, count) { limited($0, 0, .infinity) }
  }

  /// `max(x, 0)²`.
  @inline(never)
  public static func reluSquared(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    mapInPlace(x, count) { x in
      let positive = limited(x, 0, .infinity)
      return positive * positive
    }
  }

  /// `x` limited to `[0, 6]`.
  @inline(never)
  public static func relu6(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    mapInPlace(x, count) { limited($0, 0, 6) }
  }

  /// `x` limited to `[-1, 1]`.
  @inline(never)
  public static func hardTanh(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    mapInPlace(x, count) { limited($0, -1, 1) }
  }

  /// The logistic function in three straight pieces.
  @inline(never)
  public static func hardSigmoid(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    mapInPlace(x, count) { limited($0 + 3, 0, 6) / 6 }
  }

  /// Multiplies by the logistic function in three straight pieces.
  @inline(never)
  public static func hardSwish(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    mapInPlace(x, count) { $0 * limited($0 + 3, 0, 6) / 6 }
  }

  /// Sets values between -1/2 and 1/2 to 0.
  @inline(never)
  public static func hardShrink(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    mapInPlace(x, count) { $0.replacing(with: 0, where: magnitude($0) .<= 0.5) }
  }

  /// Moves every value towards 0 by 1/2.
  @inline(never)
  public static func softShrink(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    mapInPlace(x, count) { x in
      let negative = (x + 0.5).replacing(with: 0, where: x .>= -0.5)
      return negative.replacing(with: x - 0.5, where: x .> 0.5)
    }
  }

  /// `x / (1 + |x|)`.
  @inline(never)
  public static func softSign(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    mapInPlace(x, count) { $0 / (1 + magnitude($0)) }
  }

  /// Multiplies negative values by 1/100.
  @inline(never)
  public static func leakyReLU(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    mapInPlace(x, count) { $0.replacing(with: 0.01 * $0, where: $0 .< 0) }
  }

  /// Multiplies negative values by the mean of 1/8 and 1/3.
  @inline(never)
  public static func rrelu(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    mapInPlace(x, count) { $0.replacing(with: (11.0 / 48) * $0, where: $0 .< 0) }
  }

  /// Multiplies negative values by a learned slope.
  @inline(never)
  public static func prelu(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    mapInPlace(x, count) { $0.replacing(with: slope * $0, where: $0 .< 0) }
  }
}
