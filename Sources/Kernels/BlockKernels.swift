/// Weights of one format of ggml, in blocks of quantised values.
///
/// ```
/// Q8_0   | scale, F16 | q0 … q31, I8 |   34 bytes; value = scale · q
/// Q4_K   | d, F16 | m, F16 | 8 scales s and minima t of 6 bits | 256 × 4 bits |   value = d s q - m t
/// Q6_K   | 256 × 4 bits | 256 × 2 bits | 16 scales s, I8 | d, F16 |   value = d s (q - 32)
/// ```
public protocol BlockKernels: SendableMetatype {
  /// Writes whole blocks as F32; exact.
  /// - Shape: `target` `[values of a block · blocks]`.
  static func widen(_ source: UnsafeRawPointer, blocks: Int, target: MutableFloats)

  /// The values for each block of what `arrange` makes of a vector; 0 for a format that is multiplied with the
  /// vector as it is.
  static var arrangedElements: Int { get }

  /// Puts a vector into the order in which `dot` meets it, with what is computed once for all rows.
  /// - Shape: `x` `[values of a block · blocks]`, `target` `[arrangedElements · blocks]`.
  static func arrange(_ x: Floats, blocks: Int, target: MutableFloats)

  /// Multiplies four rows with a vector.
  /// - Shape: `x` as `arrange` leaves it, each row `blocks` blocks, `result` `[4]`.
  static func dot(
    _ x: Floats, _ rows: (UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer),
    blocks: Int, result: MutableFloats
  )
}

/// The formats of blocks that are computed with where they lie.
public struct BlockFormatKernels: Sendable {
  /// ggml's Q8_0.
  public let q8Zero: any BlockKernels.Type
  /// ggml's Q4_K.
  public let q4K: any BlockKernels.Type
  /// ggml's Q6_K.
  public let q6K: any BlockKernels.Type

  /// The given implementations.
  public init(
    q8Zero: any BlockKernels.Type, q4K: any BlockKernels.Type, q6K: any BlockKernels.Type
  ) {
    (self.q8Zero, self.q4K, self.q6K) = (q8Zero, q4K, q6K)
  }
}
