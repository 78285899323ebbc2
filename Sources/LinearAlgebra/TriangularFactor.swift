/// The factor R of `A = Q R`, by Householder reflections.
enum TriangularFactor {
  /// The upper triangle, `[min(rows, columns), columns]`.
  /// - Cost: `2 · rows · columns²` operations.
  static func of(_ a: Matrix) -> Matrix {
    var work = a.transposed  // one column of A per row
    let (m, n) = (a.rows, a.columns)
    work.values.withUnsafeMutableBufferPointer { buffer in
      guard let columns = buffer.baseAddress else { return }
      for k in 0..<min(m, n) { reflect(columns, k, m, n) }
    }
    var r = Matrix(rows: min(m, n), columns: n)
    for j in 0..<n {
      for i in 0..<min(j + 1, m) { r[i, j] = work[j, i] }
    }
    return r
  }

  /// Turns column k, from its k-th value on, onto the axis, and the later columns with it.
  private static func reflect(_ columns: UnsafeMutablePointer<Double>, _ k: Int, _ m: Int, _ n: Int)
  {
    let count = m - k
    let source = columns + (k * m + k)
    let length = Vector.dot(source, source, count).squareRoot()
    guard length > 0 else { return }
    var normal = Array(UnsafeBufferPointer(start: source, count: count))
    normal[0] += normal[0] < 0 ? -length : length
    normal.withUnsafeBufferPointer { buffer in
      guard let v = buffer.baseAddress else { return }
      let square = Vector.dot(v, v, count)
      for j in k..<n {
        let column = columns + (j * m + k)
        Vector.add(-2 * Vector.dot(v, column, count) / square, v, to: column, count)
      }
    }
  }
}
