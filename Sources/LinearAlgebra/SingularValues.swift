/// The singular value decomposition `A = U Σ Vᵀ`, by one-sided Jacobi rotations of a triangular factor.
///
/// The columns of A, longest first, are factored as `Q R`. The rows of R are then turned in pairs until all
/// are orthogonal: their lengths are the singular values, their directions the right singular vectors, and
/// `u = A v / σ`. Rows of a triangular factor are nearly orthogonal from the start, so that a few sweeps do
/// (Z. Drmač, K. Veselić, New fast and accurate Jacobi SVD algorithm, 2008). The order of the pairs is
/// fixed, so that every run gives the same bits.
public struct SingularValues: Sendable {
  /// The singular values, largest first, as many as the shorter side of the matrix has.
  public let values: [Double]
  /// The left singular vectors, one per row; that of a zero value is zero.
  public let left: Matrix
  /// The right singular vectors, one per row; that of a zero value is zero.
  public let right: Matrix

  /// Decomposes a matrix.
  /// - Parameter rank: how many singular vectors are wanted; nil for all.
  /// - Cost: about `4 · n³` operations a sweep, some six sweeps, n the shorter side.
  public init(_ a: Matrix, rank: Int? = nil) {
    let columns = a.transposed
    let order = Self.descending(Self.lengths(columns))
    var rows = TriangularFactor.of(columns.rows(order).transposed)
    var sweeps = PairedRotations(rows)
    rows = sweeps.orthogonal()
    let lengths = Self.lengths(rows)
    let found = Self.descending(lengths)
    values = found.map { lengths[$0] }
    let wanted = Array(found.prefix(rank ?? found.count))
    right = rows.rows(wanted).columns(Self.inverse(order))
      .scaled(wanted.map { lengths[$0] > 0 ? 1 / lengths[$0] : 0 })
    left = (right * columns).scaled(wanted.map { lengths[$0] > 0 ? 1 / lengths[$0] : 0 })
  }

  private static func lengths(_ matrix: Matrix) -> [Double] {
    (0..<matrix.rows).map { row in
      matrix.row(row).reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
  }

  /// The places of values, that of the largest first.
  private static func descending(_ values: [Double]) -> [Int] {
    values.indices.sorted { (values[$0], $1) > (values[$1], $0) }
  }

  private static func inverse(_ order: [Int]) -> [Int] {
    var result = Array(repeating: 0, count: order.count)
    for (place, index) in order.enumerated() { result[index] = place }
    return result
  }
}

extension Matrix {
  /// The rows at some places, in that order.
  fileprivate func rows(_ places: [Int]) -> Matrix {
    Matrix(rows: places.count, columns: columns, values: places.flatMap { row($0) })
  }

  /// The columns at some places, in that order.
  fileprivate func columns(_ places: [Int]) -> Matrix {
    Matrix(
      rows: rows, columns: places.count,
      values: (0..<rows).flatMap { row in places.map { self[row, $0] } })
  }

  /// Every row times a number of its own.
  fileprivate func scaled(_ factors: [Double]) -> Matrix {
    Matrix(
      rows: rows, columns: columns,
      values: factors.enumerated().flatMap { index, factor in row(index).map { $0 * factor } })
  }
}
