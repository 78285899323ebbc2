import Kernels

/// The register tile shared by every matrix product: a few rows of scalars against a panel.
///
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
  static func accumulate(_ product: TileProduct) { accumulate(2, product) }

  /// Adds the product with a panel of one vector for any number of rows.
  @inline(__always)
  static func accumulateNarrow(_ product: TileProduct) { accumulate(1, product) }

  @inline(__always)
  private static func accumulate(_ vectors: Int, _ product: TileProduct) {
    let most = min(12, Sums.count / vectors)
    var row = 0
    @inline(__always) func add(_ count: Int) {
      block(count, vectors, product, from: row)
      row &+= count
    }
    while row &+ most <= product.rows { add(most) }
    while row &+ 4 <= product.rows { add(4) }
    while row < product.rows { add(1) }
  }

  /// Adds the product for a number of rows and vectors known to the compiler.
  @inline(__always)
  private static func block(_ rows: Int, _ vectors: Int, _ product: TileProduct, from first: Int) {
    let (a, c) = (product.a[first], product.c[first])
    let (aStride, cStride) = (product.a.stride, product.c.stride)
    let kept = product.kept
    var sums = Sums { index in
      let (row, vector) = (index / vectors, index % vectors)
      guard row < rows else { return Lanes() }
      let keeping = kept.map { $0[first &+ row] } ?? product.keeping
      return keeping * load(c + ((row &* cStride) &+ (vector &* width)))
    }
    var panel = product.b.start
    for k in 0..<product.depth {
      let b0 = load(panel)
      let b1 = vectors == 2 ? load(panel + width) : b0
      for row in 0..<rows {
        let value = Lanes(repeating: a[(row &* aStride) &+ (k &* product.aStep)])
        sums[row &* vectors] = fused(sums[row &* vectors], value, b0)
        if vectors == 2 { sums[row &* 2 &+ 1] = fused(sums[row &* 2 &+ 1], value, b1) }
      }
      panel += product.b.stride
    }
    for row in 0..<rows {
      for vector in 0..<vectors {
        store(sums[row &* vectors &+ vector], c + ((row &* cStride) &+ (vector &* width)))
      }
    }
  }
}
