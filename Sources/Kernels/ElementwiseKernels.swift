/// Products and sums of rows.
public protocol ElementwiseKernels: SendableMetatype {
  /// `x ⊙= y`.
  static func multiply(_ x: MutableFloats, by y: Floats, count: Int)

  /// `x *= scale`.
  static func scale(_ x: MutableFloats, by scale: Float, count: Int)

  /// `x = eˣ`.
  static func exponential(_ x: MutableFloats, count: Int)

  /// `x += scale · y`, with the product rounded first.
  static func add(_ x: MutableFloats, _ y: Floats, scale: Float, count: Int)

  /// The inner product of two rows.
  static func dot(_ x: Floats, _ y: Floats, count: Int) -> Float

  /// The largest of the values; a NaN is never the largest.
  static func maximum(_ x: Floats, count: Int) -> Float

  /// Turns logits into probabilities, in place.
  ///
  /// Edge cases: a NaN among the logits makes every probability NaN.
  static func softmax(_ x: MutableFloats, count: Int)
}
