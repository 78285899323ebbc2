/// The singular value decomposition `A = U Σ Vᵀ` of a square matrix, by one-sided Jacobi rotations.
///
/// The columns of A are turned in pairs until all are orthogonal; their lengths are then the singular
/// values, small ones to high relative accuracy (J. Demmel, K. Veselić, Jacobi's method is more
/// accurate than QR, 1992). The order of the pairs is fixed, so that every run gives the same bits.
public struct SingularValues: Sendable {
  /// The singular values, largest first.
  public let values: [Double]
  /// The left singular vectors, one per row; that of a zero value is zero.
  public let left: Matrix
  /// The right singular vectors, one per row.
  public let right: Matrix

  private static let tolerance = 1e-14
  private static let mostSweeps = 60

  /// Decomposes a square matrix.
  /// - Cost: about `10 · n³` operations a sweep, some ten sweeps.
  public init(_ a: Matrix) {
    precondition(a.rows == a.columns)
    let n = a.columns
    var columns = a.transposed
    var right = Matrix(rows: n, columns: n)
    for index in 0..<n { right[index, index] = 1 }
    var sweeps = 0
    while sweeps < Self.mostSweeps, !Self.sweep(&columns, &right) { sweeps += 1 }
    let lengths = (0..<n).map { row in
      columns.row(row).reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
    let order = lengths.indices.sorted { (lengths[$0], $1) > (lengths[$1], $0) }
    values = order.map { lengths[$0] }
    self.right = Self.chosen(order, right) { _ in 1 }
    left = Self.chosen(order, columns) { lengths[$0] > 0 ? 1 / lengths[$0] : 0 }
  }

  private static func chosen(_ order: [Int], _ matrix: Matrix, scale: (Int) -> Double) -> Matrix {
    Matrix(
      rows: order.count, columns: matrix.columns,
      values: order.flatMap { index in matrix.row(index).map { $0 * scale(index) } })
  }

  /// Turns every pair of columns once.
  /// - Returns: whether all were orthogonal.
  private static func sweep(_ columns: inout Matrix, _ right: inout Matrix) -> Bool {
    let n = columns.rows
    var isDone = true
    columns.values.withUnsafeMutableBufferPointer { a in
      right.values.withUnsafeMutableBufferPointer { v in
        guard let a = a.baseAddress, let v = v.baseAddress else { return }
        for p in 0..<n {
          for q in p + 1..<max(n, p + 1) {
            guard let (c, s) = rotation(a + p * n, a + q * n, n) else { continue }
            Vector.rotate(a + p * n, a + q * n, c: c, s: s, n)
            Vector.rotate(v + p * n, v + q * n, c: c, s: s, n)
            isDone = false
          }
        }
      }
    }
    return isDone
  }

  /// The cosine and sine that make two columns orthogonal; nil where they are.
  private static func rotation(
    _ x: UnsafePointer<Double>, _ y: UnsafePointer<Double>, _ count: Int
  ) -> (c: Double, s: Double)? {
    let xx = Vector.dot(x, x, count)
    let yy = Vector.dot(y, y, count)
    let xy = Vector.dot(x, y, count)
    guard abs(xy) > tolerance * (xx * yy).squareRoot() else { return nil }
    let zeta = (yy - xx) / (2 * xy)
    let t = (zeta < 0 ? -1 : 1) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
    let c = 1 / (1 + t * t).squareRoot()
    return (c, c * t)
  }
}
