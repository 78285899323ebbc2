import Kernels

/// The register tile shared by every matrix product: a few rows of scalars against sixteen columns.
///
/// ```
/// C[rows, 16] += A[rows, depth] · B[depth, 16]
/// A: row stride aStride, unit column stride    B: row stride bStride    C: row stride cStride
/// ```
/// With sixteen 8-lane registers six rows fit at once (twelve sums); with sixteen 4-lane ones the
/// columns are done in halves. Every sum is taken in the order of `depth`, whatever the tile.
enum Tile {
  /// The rows that are computed together.
  static let rows = 6
  /// The columns of a panel.
  static let columns = 16

  /// Adds the product for any number of rows.
  @inline(__always)
  static func accumulate(
    rows: Int, _ a: Floats, _ aStride: Int, _ b: Floats, _ bStride: Int, depth: Int,
    _ c: MutableFloats, _ cStride: Int
  ) {
    var row = 0
    while row &+ 6 <= rows {
      six(a + (row &* aStride), aStride, b, bStride, depth, c + (row &* cStride), cStride)
      row &+= 6
    }
    while row < rows {
      one(a + (row &* aStride), b, bStride, depth, c + (row &* cStride))
      row &+= 1
    }
  }

  /// Adds the product for one row.
  @inline(__always)
  static func one(_ a: Floats, _ b: Floats, _ bStride: Int, _ depth: Int, _ c: MutableFloats) {
    var c0 = load(c)
    var c1 = load(c + 8)
    var panel = b
    for k in 0..<depth {
      c0 = fused(c0, a[k], load(panel))
      c1 = fused(c1, a[k], load(panel + 8))
      panel += bStride
    }
    store(c0, c)
    store(c1, c + 8)
  }

  #if V3 || arch(arm64)
    /// Adds the product for six rows, all sixteen columns in registers.
    @inline(__always)
    static func six(
      _ a: Floats, _ aStride: Int, _ b: Floats, _ bStride: Int, _ depth: Int, _ c: MutableFloats,
      _ cStride: Int
    ) {
      let a1 = a + aStride, a2 = a1 + aStride, a3 = a2 + aStride, a4 = a3 + aStride
      let a5 = a4 + aStride
      let c1 = c + cStride, c2 = c1 + cStride, c3 = c2 + cStride, c4 = c3 + cStride
      let c5 = c4 + cStride
      var s00 = load(c), s01 = load(c + 8), s10 = load(c1), s11 = load(c1 + 8)
      var s20 = load(c2), s21 = load(c2 + 8), s30 = load(c3), s31 = load(c3 + 8)
      var s40 = load(c4), s41 = load(c4 + 8), s50 = load(c5), s51 = load(c5 + 8)
      var panel = b
      for k in 0..<depth {
        let b0 = load(panel), b1 = load(panel + 8)
        s00 = fused(s00, a[k], b0)
        s01 = fused(s01, a[k], b1)
        s10 = fused(s10, a1[k], b0)
        s11 = fused(s11, a1[k], b1)
        s20 = fused(s20, a2[k], b0)
        s21 = fused(s21, a2[k], b1)
        s30 = fused(s30, a3[k], b0)
        s31 = fused(s31, a3[k], b1)
        s40 = fused(s40, a4[k], b0)
        s41 = fused(s41, a4[k], b1)
        s50 = fused(s50, a5[k], b0)
        s51 = fused(s51, a5[k], b1)
        panel += bStride
      }
      store(s00, c)
      store(s01, c + 8)
      store(s10, c1)
      store(s11, c1 + 8)
      store(s20, c2)
      store(s21, c2 + 8)
      store(s30, c3)
      store(s31, c3 + 8)
      store(s40, c4)
      store(s41, c4 + 8)
      store(s50, c5)
      store(s51, c5 + 8)
    }
  #else
    /// Adds the product for six rows, eight columns after the other eight.
    @inline(__always)
    static func six(
      _ a: Floats, _ aStride: Int, _ b: Floats, _ bStride: Int, _ depth: Int, _ c: MutableFloats,
      _ cStride: Int
    ) {
      half(a, aStride, b, bStride, depth, c, cStride)
      half(a, aStride, b + 8, bStride, depth, c + 8, cStride)
    }

    @inline(__always)
    private static func half(
      _ a: Floats, _ aStride: Int, _ b: Floats, _ bStride: Int, _ depth: Int, _ c: MutableFloats,
      _ cStride: Int
    ) {
      let a1 = a + aStride, a2 = a1 + aStride, a3 = a2 + aStride, a4 = a3 + aStride
      let a5 = a4 + aStride
      let c1 = c + cStride, c2 = c1 + cStride, c3 = c2 + cStride, c4 = c3 + cStride
      let c5 = c4 + cStride
      var s0 = load(c), s1 = load(c1), s2 = load(c2), s3 = load(c3), s4 = load(c4), s5 = load(c5)
      var panel = b
      for k in 0..<depth {
        let b0 = load(panel)
        s0 = fused(s0, a[k], b0)
        s1 = fused(s1, a1[k], b0)
        s2 = fused(s2, a2[k], b0)
        s3 = fused(s3, a3[k], b0)
        s4 = fused(s4, a4[k], b0)
        s5 = fused(s5, a5[k], b0)
        panel += bStride
      }
      store(s0, c)
      store(s1, c1)
      store(s2, c2)
      store(s3, c3)
      store(s4, c4)
      store(s5, c5)
    }
  #endif
}
