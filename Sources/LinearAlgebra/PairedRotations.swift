/// Turns the rows of a matrix in pairs until all are orthogonal to each other.
struct PairedRotations {
  private var rows: Matrix
  /// The squared lengths of the rows, kept in step with the rotations of a sweep.
  private var squares: [Double]

  private static let tolerance = 1e-14
  private static let mostSweeps = 60
  /// The rows whose pairs are turned before the next rows are looked at: two such blocks fit the second
  /// cache.
  private static let block = 16

  init(_ rows: Matrix) {
    self.rows = rows
    squares = Array(repeating: 0, count: rows.rows)
  }

  /// The rows once they are orthogonal.
  mutating func orthogonal() -> Matrix {
    var sweeps = 0
    while sweeps < Self.mostSweeps, !sweep() { sweeps += 1 }
    return rows
  }

  /// Turns every pair of rows once.
  /// - Returns: whether all were orthogonal.
  private mutating func sweep() -> Bool {
    let (count, width) = (rows.rows, rows.columns)
    var isDone = true
    rows.values.withUnsafeMutableBufferPointer { buffer in
      guard let x = buffer.baseAddress else { return }
      for row in 0..<count { squares[row] = Vector.dot(x + row * width, x + row * width, width) }
      Self.forEachPair(count) { p, q in
        let (a, b) = (x + p * width, x + q * width)
        let product = Vector.dot(a, b, width)
        guard abs(product) > Self.tolerance * (squares[p] * squares[q]).squareRoot() else { return }
        let t = Self.tangent(squares[p], squares[q], product)
        let c = 1 / (1 + t * t).squareRoot()
        Vector.rotate(a, b, c: c, s: c * t, width)
        squares[p] = max(squares[p] - t * product, 0)
        squares[q] += t * product
        isDone = false
      }
    }
    return isDone
  }

  /// The tangent of the angle by which two rows become orthogonal.
  private static func tangent(_ xx: Double, _ yy: Double, _ xy: Double) -> Double {
    let zeta = (yy - xx) / (2 * xy)
    return (zeta < 0 ? -1 : 1) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
  }

  /// Calls `body` with every pair of rows, block by block.
  private static func forEachPair(_ count: Int, _ body: (Int, Int) -> Void) {
    for upper in stride(from: 0, to: count, by: block) {
      for lower in stride(from: upper, to: count, by: block) {
        for p in upper..<min(upper + block, count) {
          let first = max(p + 1, lower)
          for q in first..<max(first, min(lower + block, count)) { body(p, q) }
        }
      }
    }
  }
}
