/// Parts of `C[m, n] = A[m, k] · B[n, k]ᵀ`, where the rows of B are a weight matrix as stored.
///
/// The activations A are packed once into panels of sixteen tokens, `[m/16][k][16]`; the weights are
/// widened a few rows and columns at a time. The caller owns the loops over panels, rows and depth,
/// so that each call works on what fits the caches.
public enum MatrixMultiply {
  /// The tokens of one panel.
  public static let panelWidth = 16

  /// Interleaves up to sixteen rows of activations into one panel.
  ///
  /// Missing rows repeat the last one; their results are never read.
  /// - Shape: `rows` `[count, depth]` with row stride `stride`, `panel` `[depth, 16]`.
  @inline(never)
  public static func pack(
    _ rows: Floats, stride: Int, count: Int, depth: Int, panel: MutableFloats
  ) {
    for half in 0..<2 {
      let first = half &* 8
      func row(_ index: Int) -> Floats { rows + (min(first &+ index, count &- 1) &* stride) }
      let r0 = row(0), r1 = row(1), r2 = row(2), r3 = row(3)
      let r4 = row(4), r5 = row(5), r6 = row(6), r7 = row(7)
      var target = panel + first
      for k in 0..<depth {
        store(Lanes(r0[k], r1[k], r2[k], r3[k], r4[k], r5[k], r6[k], r7[k]), target)
        target += 16
      }
    }
  }

  /// Adds the products of some weight rows with one panel to their sums.
  ///
  /// - Shape: `weights` `[rows, depth]` with row stride `stride`, `panel` `[depth, 16]`, `sums`
  ///   `[rows, 16]`.
  /// - Cost: `32 · rows · depth` operations.
  @inline(never)
  public static func accumulate(
    weights: Floats, stride: Int, rows: Int, panel: Floats, depth: Int, sums: MutableFloats
  ) {
    Tile.accumulate(rows: rows, weights, stride, panel, 16, depth: depth, sums, 16)
  }

  /// Writes finished sums to the rows of the result, with the bias added.
  ///
  /// - Shape: `sums` `[rows, 16]`, `bias` `[rows]`, `target` `[tokens, rows]` with row stride
  ///   `stride`.
  @inline(never)
  public static func write(
    sums: Floats, rows: Int, tokens: Int, bias: Floats?, target: MutableFloats, stride: Int
  ) {
    for token in 0..<tokens {
      let source = sums + token
      let row = target + (token &* stride)
      if let bias {
        for index in 0..<rows { row[index] = source[index &* 16] + bias[index] }
      } else {
        for index in 0..<rows { row[index] = source[index &* 16] }
      }
    }
  }
}
