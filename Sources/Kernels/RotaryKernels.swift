/// Rotary position embedding, halves convention.
public protocol RotaryKernels: SendableMetatype {
  /// Turns dim i with dim `i + half` by the angle of dim i, in place.
  /// - Shape: `x` `[2 half]`, `cosines` and `sines` `[half]`.
  static func rotate(_ x: MutableFloats, cosines: Floats, sines: Floats, half: Int)
}
