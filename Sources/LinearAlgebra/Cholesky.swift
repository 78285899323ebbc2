/// The factor L of a symmetric positive definite matrix, `A = L Lᵀ`.
public struct Cholesky: Sendable {
  /// The lower triangle.
  public let factor: Matrix

  /// The rows that are factored together, so that those before them are read once for all.
  private static let blockRows = 16
  /// The right-hand sides that are solved together.
  private static let blockColumns = 16

  /// Factors a matrix, of which the lower triangle is read.
  /// - Returns: nil for a matrix that is not positive definite to rounding, or not finite.
  public init?(_ a: Matrix) {
    precondition(a.rows == a.columns)
    let n = a.rows
    var l = a
    let largest = (0..<n).map { a[$0, $0] }.max() ?? 0
    let isPositive = l.values.withUnsafeMutableBufferPointer { buffer -> Bool in
      guard let l = buffer.baseAddress else { return true }
      for first in stride(from: 0, to: n, by: Self.blockRows) {
        let block = first..<min(first + Self.blockRows, n)
        for j in 0..<first {
          for i in block { Self.reduce(l + i * n, by: l + j * n, j) }
        }
        for j in block {
          let row = l + j * n
          let pivot = row[j] - Vector.dot(row, row, j)
          guard pivot.isFinite, pivot > largest * Double(n) * .ulpOfOne else { return false }
          row[j] = pivot.squareRoot()
          for i in j + 1..<max(block.upperBound, j + 1) { Self.reduce(l + i * n, by: row, j) }
          for i in j + 1..<max(n, j + 1) { row[i] = 0 }
        }
      }
      return true
    }
    guard isPositive else { return nil }
    factor = l
  }

  /// Value `j` of a row of L, when those before it are known.
  private static func reduce(
    _ row: UnsafeMutablePointer<Double>, by pivot: UnsafePointer<Double>, _ j: Int
  ) {
    row[j] = (row[j] - Vector.dot(row, pivot, j)) / pivot[j]
  }

  /// The solution of `A X = B`.
  /// - Parameter run: runs a number of tasks, side by side or one after the other.
  public func solve(
    _ b: Matrix,
    run: (_ tasks: Int, _ task: (Int) -> Void) -> Void = { count, task in
      for index in 0..<count { task(index) }
    }
  ) -> Matrix {
    var result = b
    let upper = factor.transposed
    let width = Self.blockColumns
    result.values.withUnsafeMutableBufferPointer { values in
      guard let start = values.baseAddress else { return }
      run((b.columns + width - 1) / width) { block in
        let first = block * width
        solve(start + first, stride: b.columns, columns: min(width, b.columns - first), upper)
      }
    }
    return result
  }

  /// Solves some right-hand sides in place.
  /// - Shape: `b` `[n, columns]` with row stride `stride`.
  private func solve(
    _ b: UnsafeMutablePointer<Double>, stride: Int, columns: Int, _ upper: Matrix
  ) {
    let n = factor.rows
    withUnsafeTemporaryAllocation(of: SIMD16<Double>.self, capacity: n) { x in
      for i in 0..<n {
        x[i] = SIMD16()
        for column in 0..<columns { x[i][column] = b[i * stride + column] }
      }
      for i in 0..<n { Self.reduce(x, i, by: factor, 0..<i) }
      for i in (0..<n).reversed() { Self.reduce(x, i, by: upper, i + 1..<max(n, i + 1)) }
      for i in 0..<n {
        for column in 0..<columns { b[i * stride + column] = x[i][column] }
      }
    }
  }

  /// `x[i] = (x[i] - Σ T[i, j] x[j]) / T[i, i]`
  private static func reduce(
    _ x: UnsafeMutableBufferPointer<SIMD16<Double>>, _ i: Int, by triangle: Matrix,
    _ range: Range<Int>
  ) {
    triangle.values.withUnsafeBufferPointer { values in
      guard let x = x.baseAddress, let start = values.baseAddress else { return }
      let row = start + i * triangle.columns
      var sum = x[i]
      for j in range { sum -= row[j] * x[j] }
      x[i] = sum / row[i]
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
