/// Causal attention of a few queries of one head over one block of 64 keys, normalised online.
///
/// The matrix of all scores never exists: a block updates the running maximum m, sum l and weighted
/// values of each query. Keys are stored transposed in panels of sixteen positions, `[4][hd][16]`,
/// values as rows padded to a multiple of sixteen, `[64][hdp]`.
public protocol AttentionKernels: SendableMetatype {
  /// The positions of a block.
  static var blockLength: Int { get }

  /// The most queries of one call.
  static var queries: Int { get }

  /// Adds one block of keys and values to the running results.
  ///
  /// Query i stands at position `position + i` and sees keys from `window - 1` positions before it
  /// up to itself.
  /// - Shape: `q` `[rows, hd]` with row stride `stride`, `keys` `[4, hd, 16]`, `values` `[64, hdp]`,
  ///   `scores` `[6, 64]`, `top` and `total` `[6]`, `sums` `[6, hdp]`.
  /// - Cost: `256 · rows · hd` operations.
  static func add(
    q: Floats, stride: Int, rows: Int, position: Int, window: Int, scale: Float, keys: Floats,
    values: Floats, firstKey: Int, hd: Int, hdp: Int, scores: MutableFloats, top: MutableFloats,
    total: MutableFloats, sums: MutableFloats
  )
}
