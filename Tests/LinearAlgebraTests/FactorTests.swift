import GraftTestSupport
import LinearAlgebra
import Testing

/// Factors and decompositions against the identities that define them.
@Suite struct FactorTests {
  @Test(arguments: [1, 2, 3, 7, 16, 33])
  func singularValuesGiveTheMatrixBack(_ n: Int) {
    let a = Random.matrix(n, n, seed: UInt64(n))
    let found = SingularValues(a)
    #expect(Random.distance(Random.gram(found.left), .identity(n)) < 1e-12)
    #expect(Random.distance(Random.gram(found.right), .identity(n)) < 1e-12)
    #expect(zip(found.values, found.values.dropFirst()).allSatisfy(>=))
    var scaled = found.right
    for row in 0..<n {
      for column in 0..<n { scaled[row, column] *= found.values[row] }
    }
    #expect(Random.distance(found.left.transposed * scaled, a) < 1e-12)
  }

  /// A diagonal matrix times rotations in a plane has the diagonal as its singular values.
  @Test func singularValuesThatAreKnown() {
    let (c, s) = (0.6, 0.8)
    let a = Matrix(rows: 2, columns: 2, values: [5 * c, -5 * s, 1e-9 * s, 1e-9 * c])
    let values = SingularValues(a).values
    #expect(abs(values[0] - 5) < 1e-14 && abs(values[1] / 1e-9 - 1) < 1e-6)
  }

  @Test func singularMatricesHaveZeros() {
    let a = Random.matrix(6, 2, seed: 1) * Random.matrix(2, 6, seed: 2)
    let found = SingularValues(a)
    #expect(found.values[1] > 0.01 && found.values[2] < 1e-13)
    #expect(SingularValues(Matrix(rows: 3, columns: 3)).values == [0, 0, 0])
  }

  @Test(arguments: [(9, 4), (4, 4), (3, 6), (20, 11)])
  func productsOfFullRankStay(_ m: Int, _ channels: Int) {
    let (a, b) = (Random.matrix(m, channels, seed: 3), Random.matrix(channels, 12, seed: 4))
    let product = TruncatedProduct(a, b, rank: channels)
    #expect(Random.distance((a * product.output) * (product.input * b), a * b) < 1e-11)
    #expect(abs(product.kept - 1) < 1e-12)
  }

  /// The error of the best approximation is what the singular values left out have, by squares.
  @Test(arguments: 1...7)
  func productsOfLowerRankAreTheBest(_ rank: Int) {
    let (a, b) = (Random.matrix(15, 8, seed: 5), Random.matrix(8, 10, seed: 6))
    let product = TruncatedProduct(a, b, rank: rank)
    let error = Random.distance((a * product.output) * (product.input * b), a * b)
    let all = Random.distance(a * b, Matrix(rows: 15, columns: 10))
    #expect(abs(error * error / (all * all) - (1 - product.kept)) < 1e-12)
    for row in 0..<rank {
      let strongest = product.input.row(row).max { abs($0) < abs($1) } ?? 0
      #expect(strongest > 0)
    }
  }

  @Test(arguments: [1, 2, 5, 24, 41])
  func choleskySolves(_ n: Int) throws {
    let b = Random.matrix(n, n + 3, seed: 7)
    let a = Random.gram(b)
    let x = Random.matrix(n, 21, seed: 8)
    let found = try #require(Cholesky(a))
    #expect(Random.distance(found.factor * found.factor.transposed, a) < 1e-12 * Double(n))
    #expect(Random.distance(found.solve(a * x), x) < 1e-9)
    #expect(found.condition >= 1)
  }

  @Test func choleskyRefusesWhatIsNotPositive() {
    let low = Random.matrix(5, 2, seed: 9)
    #expect(Cholesky(Random.gram(low)) == nil)
    #expect(Cholesky(Matrix(rows: 2, columns: 2, values: [1, 2, 2, 1])) == nil)
    #expect(Cholesky(Matrix(rows: 2, columns: 2, values: [1, 0, .nan, 1])) == nil)
    #expect(Cholesky(Matrix(rows: 2, columns: 2, values: [.infinity, 0, 0, 1])) == nil)
    #expect(Cholesky(Matrix(rows: 2, columns: 2)) == nil)
  }
}

/// Seeded matrices and what tests ask of them.
private enum Random {
  static func matrix(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
    var generator = SeededGenerator(seed: seed)
    return Matrix(rows: rows, columns: columns, (0..<rows * columns).map { _ in generator.float() })
  }

  /// The inner products of rows.
  static func gram(_ a: Matrix) -> Matrix { a * a.transposed }

  /// The root of the sum of squared differences.
  static func distance(_ a: Matrix, _ b: Matrix) -> Double {
    zip(a.values, b.values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
  }
}

extension Matrix {
  fileprivate static func identity(_ n: Int) -> Matrix {
    var matrix = Matrix(rows: n, columns: n)
    for index in 0..<n { matrix[index, index] = 1 }
    return matrix
  }
}
