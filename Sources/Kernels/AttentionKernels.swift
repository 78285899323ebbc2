/// Causal attention of a few queries over one block of 64 keys, normalised online.
///
/// The matrix of all scores never exists: a block updates the running maximum, sum and weighted
/// values of each query. The query heads that share a key/value head go together, so that a block is
/// read once for all of them. Keys are stored transposed in panels of some positions,
/// `[64/panel][hd][panel]`, values as rows padded to a multiple of a panel, `[64][hdp]`.
public protocol AttentionKernels: SendableMetatype {
  /// The positions of a block.
  static var blockLength: Int { get }

  /// The most rows, positions times heads, of one call.
  static var rows: Int { get }

  /// The positions of a panel of keys.
  static var panelWidth: Int { get }

  /// Adds one block of keys and values to the running results.
  ///
  /// The queries stand at consecutive positions from `first` on; each sees keys from `window - 1`
  /// positions before it up to itself.
  /// - Shape: `q` `[positions, heads, hd]`, scaled; `keys` `[64/panel, hd, panel]`, `values`
  ///   `[64, hdp]`, `scores` `[rows, 64]`, `top` and `total` `[rows]`, `sums` `[rows, hdp]`.
  /// - Cost: `256 · rows · hd` operations.
  static func add(
    q: Floats, positions: Int, heads: Int, first: Int, window: Int, keys: Floats, values: Floats,
    firstKey: Int, hd: Int, hdp: Int, scores: MutableFloats, top: MutableFloats,
    total: MutableFloats, sums: MutableFloats
  )
}
