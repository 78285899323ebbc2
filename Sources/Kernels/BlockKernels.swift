/// Weights in blocks of 32 values with a common scale (ggml Q8_0).
///
/// ```
/// | scale, F16 | q0 … q31, I8 |   34 bytes; value = scale · q
/// ```
public protocol BlockKernels: SendableMetatype {
  /// Writes whole blocks as F32; exact.
  /// - Shape: `target` `[32 · blocks]`.
  static func widen(_ source: UnsafeRawPointer, blocks: Int, target: MutableFloats)

  /// Multiplies four rows with a vector.
  /// - Shape: `x` `[32 · blocks]`, each row `blocks` blocks, `result` `[4]`.
  static func dot(
    _ x: Floats, _ rows: (UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer),
    blocks: Int, result: MutableFloats
  )
}
