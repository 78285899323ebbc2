/// The factor L of a symmetric positive definite matrix, `A = L Lᵀ`.
public struct Cholesky: Sendable {
  /// The lower triangle.
  public let factor: Matrix

  /// Factors a matrix, of which the lower triangle is read.
  /// - Returns: nil for a matrix that is not positive definite to rounding, or not finite.
  public init?(_ a: Matrix) {
    precondition(a.rows == a.columns)
    let n = a.rows
    var l = a
    let largest = (0..<n).map { a[$0, $0] }.max() ?? 0
    let isPositive = l.values.withUnsafeMutableBufferPointer { buffer -> Bool in
      guard let l = buffer.baseAddress else { return true }
      for j in 0..<n {
        let row = l + j * n
        let pivot = row[j] - Vector.dot(row, row, j)
        guard pivot.isFinite, pivot > largest * Double(n) * .ulpOfOne else { return false }
        row[j] = pivot.squareRoot()
        for i in j + 1..<max(n, j + 1) {
          let other = l + i * n
          other[j] = (other[j] - Vector.dot(other, row, j)) / row[j]
        }
        for i in j + 1..<max(n, j + 1) { row[i] = 0 }
      }
      return true
    }
    guard isPositive else { return nil }
    factor = l
  }

  /// The solution of `A X = B`.
  public func solve(_ b: Matrix) -> Matrix {
    let n = factor.rows
    var columns = b.transposed
    let upper = factor.transposed
    columns.values.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return }
      for column in 0..<b.columns {
        let x = start + column * n
        for i in 0..<n { x[i] = (x[i] - dot(factor, i, 0, i, x)) / factor[i, i] }
        for i in (0..<n).reversed() {
          x[i] = (x[i] - dot(upper, i, i + 1, n, x)) / factor[i, i]
        }
      }
    }
    return columns.transposed
  }

  private func dot(
    _ matrix: Matrix, _ row: Int, _ from: Int, _ to: Int, _ x: UnsafePointer<Double>
  ) -> Double {
    matrix.values.withUnsafeBufferPointer { values in
      guard let start = values.baseAddress, to > from else { return 0 }
      return Vector.dot(start + (row * matrix.columns + from), x + from, to - from)
    }
  }

  /// An estimate of the condition number from below: the square of the ratio of the largest to the
  /// smallest value on the diagonal of L.
  public var condition: Double {
    let diagonal = (0..<factor.rows).map { factor[$0, $0] }
    guard let largest = diagonal.max(), let smallest = diagonal.min() else { return 1 }
    return (largest / smallest) * (largest / smallest)
  }
}
