import Kernels

/// The register tile shared by every matrix product: a few rows of scalars against a panel.
///
/// ```
/// C[rows, panel] = keeping · C[rows, panel] + A[rows, depth] · B[depth, panel]
/// A: row stride aStride, column stride aStep    B: row stride bStride    C: row stride cStride
/// ```
/// A panel is two vectors wide, or one. The sums of as many rows as registers allow are held at
/// once: 24 vectors of 32 registers, 12 of 16; of more than 12 rows the compiler would keep them in
/// memory. Every sum is taken in the order of `depth`, whatever
/// the tile.
enum Tile {
  #if V4 || arch(arm64)
    private typealias Sums = InlineArray<24, Lanes>
  #else
    private typealias Sums = InlineArray<12, Lanes>
  #endif

  /// The columns of a panel of two vectors.
  @inline(__always)
  static var columns: Int { 2 &* width }

  /// Adds the product with a panel of two vectors for any number of rows.
  @inline(__always)
  static func accumulate(
    rows: Int, _ a: Floats, _ aStride: Int, _ b: Floats, _ bStride: Int, depth: Int,
    _ c: MutableFloats, _ cStride: Int, aStep: Int = 1, keeping: Float = 1
  ) {
    accumulate(2, rows, a, aStride, aStep, b, bStride, depth, c, cStride, keeping)
  }

  /// Adds the product with a panel of one vector for any number of rows.
  @inline(__always)
  static func accumulateNarrow(
    rows: Int, _ a: Floats, _ aStride: Int, _ b: Floats, _ bStride: Int, depth: Int,
    _ c: MutableFloats, _ cStride: Int, aStep: Int = 1
  ) {
    accumulate(1, rows, a, aStride, aStep, b, bStride, depth, c, cStride, 1)
  }

  @inline(__always)
  private static func accumulate(
    _ vectors: Int, _ rows: Int, _ a: Floats, _ aStride: Int, _ aStep: Int, _ b: Floats,
    _ bStride: Int, _ depth: Int, _ c: MutableFloats, _ cStride: Int, _ keeping: Float
  ) {
    let most = min(12, Sums.count / vectors)
    var row = 0
    @inline(__always) func add(_ count: Int) {
      block(
        count, vectors, a + (row &* aStride), aStride, aStep, b, bStride, depth,
        c + (row &* cStride), cStride, keeping)
      row &+= count
    }
    while row &+ most <= rows { add(most) }
    while row &+ 4 <= rows { add(4) }
    while row < rows { add(1) }
  }

  /// Adds the product for a number of rows and vectors known to the compiler.
  @inline(__always)
  private static func block(
    _ rows: Int, _ vectors: Int, _ a: Floats, _ aStride: Int, _ aStep: Int, _ b: Floats,
    _ bStride: Int, _ depth: Int, _ c: MutableFloats, _ cStride: Int, _ keeping: Float
  ) {
    var sums = Sums { index in
      let (row, vector) = (index / vectors, index % vectors)
      return row < rows ? keeping * load(c + ((row &* cStride) &+ (vector &* width))) : Lanes()
    }
    var panel = b
    for k in 0..<depth {
      let b0 = load(panel)
      let b1 = vectors == 2 ? load(panel + width) : b0
      for row in 0..<rows {
        let value = Lanes(repeating: a[(row &* aStride) &+ (k &* aStep)])
        sums[row &* vectors] = fused(sums[row &* vectors], value, b0)
        if vectors == 2 { sums[row &* 2 &+ 1] = fused(sums[row &* 2 &+ 1], value, b1) }
      }
      panel += bStride
    }
    for row in 0..<rows {
      for vector in 0..<vectors {
        store(sums[row &* vectors &+ vector], c + ((row &* cStride) &+ (vector &* width)))
      }
    }
  }
}
