import Diagnostics
import Kernels
import LinearAlgebra
import Runtime
import Threads

/// Output projections that fit a layer's outputs best, in closed form from streamed normal equations.
struct RidgeFit {
  /// What was solved.
  struct Solution {
    /// What was added to the diagonal, as a share of its mean.
    let ridge: Double
    /// An estimate of the condition number.
    let condition: Double
    let values: Matrix
  }

  private let shape: LayerShape
  /// `Σ n nᵀ`, `[NV, NV]`
  private var gram: Matrix
  /// `Σ n tᵀ`, `[NV, H]`
  private var products: Matrix
  /// What one segment adds to either.
  private let part: FloatBuffer
  private var rows = 0

  private static let ridges = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2]
  private static let worstCondition = 1e10

  init(_ shape: LayerShape) throws {
    self.shape = shape
    part = try FloatBuffer(shape.NV * max(shape.NV, shape.H))
    gram = Matrix(rows: shape.NV, columns: shape.NV)
    products = Matrix(rows: shape.NV, columns: shape.H)
  }

  /// Adds the normed outputs and targets of the segment that a layer has run last.
  mutating func add(_ layer: FittedLayer, rows M: Int) {
    let (memory, pool) = (layer.memory, layer.pool)
    pool.transpose(
      memory.normed.pointer, rows: M, columns: shape.NV, to: memory.transposed.pointer)
    accumulate(&gram, memory.transposed.pointer, memory.normed.pointer, M, pool)
    accumulate(&products, memory.transposed.pointer, memory.target.pointer, M, pool)
    rows += M
  }

  private func accumulate(
    _ sums: inout Matrix, _ a: Floats, _ b: Floats, _ M: Int, _ pool: ThreadPool
  ) {
    pool.multiply(
      a, b, to: part.pointer, ProductShape(rows: sums.rows, depth: M, columns: sums.columns))
    let count = sums.values.count
    sums.values.withUnsafeMutableBufferPointer { sums in
      guard let sums = sums.baseAddress else { return }
      pool.run(count, by: 1 << 16) { range in
        for index in range { sums[index] += Double(part.pointer[index]) }
      }
    }
  }

  /// Fits the projection and puts it into the layer, with norm weights of one: only the product of the
  /// two counts.
  /// - Throws: `Problem` of kind `invalid` where the equations are singular whatever the ridge.
  func project(_ layer: FittedLayer) throws -> Solution {
    let solution = try solve(gram, products, layer.pool)
    for c in 0..<shape.NV {
      layer.values(.norm)[c] = 1
      for h in 0..<shape.H {
        layer.values(.o)[h * shape.NV + c] = Float(solution.values[c, h])
      }
    }
    return solution
  }

  /// Fits one factor for each head and multiplies its norm weights by it.
  /// - Throws: as `project`.
  func scale(_ layer: FittedLayer) throws -> Solution {
    let (N, V) = (shape.N, shape.V)
    let o = weightedProjection(layer)
    let reach = o.transposed * o
    let aim = products.transposed
    var (a, b) = (Matrix(rows: N, columns: N), Matrix(rows: N, columns: 1))
    for i in 0..<shape.NV {
      for j in 0..<shape.NV { a[i / V, j / V] += gram[i, j] * reach[i, j] }
      for h in 0..<shape.H { b[i / V, 0] += o[h, i] * aim[h, i] }
    }
    let solution = try solve(a, b, layer.pool)
    for c in 0..<shape.NV { layer.values(.norm)[c] *= Float(solution.values[c / V, 0]) }
    return solution
  }

  /// The projection with the norm weights in it, `[H, NV]`.
  private func weightedProjection(_ layer: FittedLayer) -> Matrix {
    let (o, norm) = (layer.values(.o), layer.values(.norm))
    return Matrix(
      rows: shape.H, columns: shape.NV,
      (0..<shape.H * shape.NV).map { o[$0] * norm[$0 % shape.NV] })
  }

  /// Solves with the least ridge that brings the condition below 1e10.
  private func solve(_ a: Matrix, _ b: Matrix, _ pool: ThreadPool) throws -> Solution {
    let mean = (0..<a.rows).reduce(0) { $0 + a[$1, $1] } / Double(max(a.rows, 1))
    for ridge in Self.ridges where mean > 0 && mean.isFinite {
      var regular = a
      for index in 0..<a.rows { regular[index, index] += ridge * mean }
      guard let factor = Cholesky(regular), factor.condition < Self.worstCondition else { continue }
      return Solution(
        ridge: ridge, condition: factor.condition,
        values: factor.solve(b) { count, task in pool.run(count) { index, _ in task(index) } })
    }
    throw Problem(
      .invalid, "the outputs of the new layer cannot be fitted: the equations are singular",
      found: "\(rows) tokens for \(shape.NV) channels", remedy: "give more or other tokens")
  }
}
