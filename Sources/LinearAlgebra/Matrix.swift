/// A dense matrix in double precision, row after row.
public struct Matrix: Hashable, Sendable {
  /// The number of rows.
  public let rows: Int
  /// The number of columns.
  public let columns: Int
  /// The values, row after row.
  public var values: [Double]

  /// A matrix of zeros.
  public init(rows: Int, columns: Int) {
    self.init(rows: rows, columns: columns, values: Array(repeating: 0, count: rows * columns))
  }

  /// A matrix of the given values.
  /// - Precondition: there are `rows · columns` of them.
  public init(rows: Int, columns: Int, values: [Double]) {
    precondition(values.count == rows * columns)
    (self.rows, self.columns, self.values) = (rows, columns, values)
  }

  /// A matrix of single-precision values.
  public init(rows: Int, columns: Int, _ values: [Float]) {
    self.init(rows: rows, columns: columns, values: values.map(Double.init))
  }

  /// A matrix that begins with the rows of another one of the same width, and zeros below.
  init(rows: Int, filling other: Matrix) {
    let rest = Array(repeating: 0.0, count: (rows - other.rows) * other.columns)
    self.init(rows: rows, columns: other.columns, values: other.values + rest)
  }

  /// One value.
  public subscript(row: Int, column: Int) -> Double {
    get { values[row * columns + column] }
    set { values[row * columns + column] = newValue }
  }

  /// One row.
  public func row(_ index: Int) -> ArraySlice<Double> {
    values[index * columns..<(index + 1) * columns]
  }

  /// Some consecutive rows.
  public func rows(_ range: Range<Int>) -> Matrix {
    Matrix(
      rows: range.count, columns: columns,
      values: Array(values[range.lowerBound * columns..<range.upperBound * columns]))
  }

  /// The matrix with rows and columns exchanged.
  public var transposed: Matrix {
    var result = Matrix(rows: columns, columns: rows)
    for row in 0..<rows {
      for column in 0..<columns { result[column, row] = self[row, column] }
    }
    return result
  }

  /// The product of two matrices.
  /// - Cost: `2 · rows · columns · other.columns` operations.
  public static func * (a: Matrix, b: Matrix) -> Matrix {
    precondition(a.columns == b.rows)
    var result = Matrix(rows: a.rows, columns: b.columns)
    result.values.withUnsafeMutableBufferPointer { target in
      b.values.withUnsafeBufferPointer { source in
        guard let target = target.baseAddress, let source = source.baseAddress else { return }
        for row in 0..<a.rows {
          for k in 0..<a.columns {
            Vector.add(
              a[row, k], source + k * b.columns, to: target + row * b.columns, b.columns)
          }
        }
      }
    }
    return result
  }
}
