/// Four weight rows at a time against one vector, for decoding, where memory is the limit.
///
/// Rows that lie far apart keep the streams of the memory prefetcher apart; the caller chooses them.
public protocol DotProductKernels: SendableMetatype {
  /// Reorders a vector for the 16-bit kernels: in every sixteen values the even ones come first.
  ///
  /// - Shape: `source` and `target` `[count]`; the last `count % 16` values keep their places.
  static func split(_ source: Floats, count: Int, target: MutableFloats)

  /// Multiplies four F32 rows with a vector.
  /// - Shape: `x` and each row `[count]`, `result` `[4]`.
  static func f32(
    _ x: Floats, _ rows: (UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer),
    count: Int, result: MutableFloats
  )

  /// Multiplies four BF16 rows with a vector.
  /// - Shape: `x` `[count]` as `split` leaves it, each row `[count]`, `result` `[4]`.
  static func bf16(
    _ x: Floats, _ rows: (UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer),
    count: Int, result: MutableFloats
  )

  /// Multiplies four F16 rows with a vector.
  /// - Shape: `x` `[count]` as `split` leaves it, each row `[count]`, `result` `[4]`.
  static func f16(
    _ x: Floats, _ rows: (UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer),
    count: Int, result: MutableFloats
  )
}
