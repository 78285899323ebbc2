/// Parts of `C[m, n] = A[m, k] · B[n, k]ᵀ`, where the rows of B are a weight matrix as stored.
///
/// The activations A are packed once into panels of a few tokens, `[m/panel][k][panel]`; the weights are
/// widened a few rows and columns at a time. The caller owns the loops over panels, rows and depth,
/// so that each call works on what fits the caches.
public protocol MatrixMultiplyKernels: SendableMetatype {
  /// The tokens of one panel.
  static var panelWidth: Int { get }

  /// Interleaves as many rows of activations as a panel has, or fewer, into one.
  ///
  /// Missing rows repeat the last one; their results are never read.
  /// - Shape: `rows` `[count, depth]`, `panel` `[depth, panel]`.
  static func pack(_ rows: FloatRows, count: Int, depth: Int, panel: MutableFloats)

  /// Adds the products of some weight rows with one panel to their sums.
  ///
  /// - Shape: `weights` `[rows, depth]`, `panel` `[depth, panel]`, `sums` `[rows, panel]`.
  /// - Cost: `32 · rows · depth` operations.
  static func accumulate(
    _ weights: FloatRows, rows: Int, panel: Floats, depth: Int, sums: MutableFloats)

  /// Writes finished sums to the rows of the result, with the bias added.
  ///
  /// - Shape: `sums` `[rows, panel]`, `bias` `[rows]`, `target` `[tokens, rows]`.
  static func write(
    sums: Floats, rows: Int, tokens: Int, bias: Floats?, target: MutableFloatRows)
}
