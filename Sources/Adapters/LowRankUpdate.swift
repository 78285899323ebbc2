import Diagnostics
import Synchronization
import Tensors

/// One change of a tensor by the product of two thin matrices, as an adapter stores it.
///
/// Shapes: left [rows, rank], right [rank, columns], once for each expert of a tensor that holds several.
final class LowRankUpdate: Sendable {
  /// How rounding follows the sum of weight and change.
  enum Rounding: Sendable {
    /// The sum is computed in F32 and rounded once.
    case sum
    /// The change is rounded to the type of the weight, and then the sum.
    case change
  }

  /// Where the factors of the product are multiplied with the scale.
  enum Scaling: Sendable {
    case product, left
  }

  /// The factors.
  let left, right: Factor
  /// How many experts there are; 1 for a plain matrix.
  let experts: Int
  /// The extents of the change of one expert.
  let rows, columns: Int
  /// What the product is multiplied with.
  let scale: Float
  let scaling: Scaling
  let rounding: Rounding
  private let recent = Mutex<[(expert: Int, factors: LoadedFactors)]>([])

  /// How many experts stay loaded.
  private static let mostLoaded = 8

  init(
    left: Factor, right: Factor, experts: Int = 1, scale: Double, scaling: Scaling = .product,
    rounding: Rounding
  ) {
    (self.left, self.right, self.experts) = (left, right, experts)
    (rows, columns) = (left.outer, right.inner)
    self.scale = Float(scale)
    (self.scaling, self.rounding) = (scaling, rounding)
  }

  /// The rank of the change.
  var rank: Int { left.inner }

  /// Calls `body` with the changes of a run of elements, row by row.
  /// - Parameters:
  ///   - run: elements of the whole tensor, counted row-major.
  ///   - body: given where the piece begins in the run, and the changes.
  /// - Throws: `Problem` of kind `io` where the factors cannot be read.
  /// - Cost: `rank` products for each element; memory for the factors of some experts.
  func forEachRow(
    _ run: Range<Int>, _ body: (Int, UnsafeMutableBufferPointer<Float>) throws -> Void
  ) throws {
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: min(columns, run.count)) { change in
      var start = run.lowerBound
      while start < run.upperBound {
        let (line, column) = start.quotientAndRemainder(dividingBy: columns)
        let (expert, row) = line.quotientAndRemainder(dividingBy: rows)
        let count = min(columns - column, run.upperBound - start)
        let piece = UnsafeMutableBufferPointer(rebasing: change[..<count])
        try factors(expert).multiply(row, column, into: piece)
        if scaling == .product { for index in 0..<count { piece[index] *= scale } }
        try body(start - run.lowerBound, piece)
        start += count
      }
    }
  }

  private func factors(_ expert: Int) throws -> LoadedFactors {
    if let known = recent.withLock({ $0.first { $0.expert == expert }?.factors }) { return known }
    let loaded = try LoadedFactors(self, expert)
    recent.withLock { $0 = Array(([(expert, loaded)] + $0).prefix(Self.mostLoaded)) }
    return loaded
  }
}

/// One of two factors as it lies in a file.
struct Factor: Sendable {
  /// The tensor.
  let tensor: AdapterTensor
  /// The extents as the product needs them.
  let outer, inner: Int
  /// How far apart neighbours are along both, and the matrices of two experts.
  /// - Units: elements.
  let strides: (outer: Int, inner: Int, expert: Int)

  /// A matrix as it lies there.
  init(_ tensor: AdapterTensor) {
    self.init(
      tensor, outer: tensor.shape[0], inner: tensor.shape[1], strides: (tensor.shape[1], 1, 0))
  }

  init(
    _ tensor: AdapterTensor, outer: Int, inner: Int,
    strides: (outer: Int, inner: Int, expert: Int)
  ) {
    (self.tensor, self.outer, self.inner, self.strides) = (tensor, outer, inner, strides)
  }

  /// The matrix with its axes exchanged.
  var transposed: Factor {
    Factor(
      tensor, outer: inner, inner: outer,
      strides: (strides.inner, strides.outer, strides.expert))
  }

  /// The matrix of an expert, row-major.
  func load(_ expert: Int) throws -> [Float] {
    try tensor.region.withBytes { bytes in
      [Float](unsafeUninitializedCapacity: outer * inner) { values, count in
        for row in 0..<outer {
          let start = expert * strides.expert + row * strides.outer
          if strides.inner == 1, let place = values.baseAddress {
            FloatBits.load(bytes, start..<start + inner, tensor.type, into: place + row * inner)
            continue
          }
          for column in 0..<inner {
            let place = start + column * strides.inner
            values[row * inner + column] = FloatBits.load(bytes, place, tensor.type)
          }
        }
        count = outer * inner
      }
    }
  }
}

/// The factors of a change as F32, in memory.
private final class LoadedFactors: Sendable {
  private let left, right: [Float]
  private let rank, columns, block: Int

  init(_ update: LowRankUpdate, _ expert: Int) throws {
    var left = try update.left.load(expert)
    if update.scaling == .left {
      for index in left.indices { left[index] *= update.scale }
    }
    self.left = left
    right = try update.right.load(expert)
    (rank, columns) = (update.rank, update.columns)
    block = Self.block(rank)
  }

  /// How many products are summed before their sum is added to that of the others: as PyTorch's library
  /// divides long sums, so that its results are met to the bit.
  private static func block(_ rank: Int) -> Int {
    if rank <= longest { return rank }
    return rank < 2 * longest ? ((rank + 1) / 2 + 3) / 4 * 4 : longest
  }

  private static let longest = 192

  /// Computes some elements of a row of the product.
  func multiply(_ row: Int, _ column: Int, into sums: UnsafeMutableBufferPointer<Float>) {
    left.withUnsafeBufferPointer { left in
      right.withUnsafeBufferPointer { right in
        guard let left = left.baseAddress, let right = right.baseAddress else {
          return sums.update(repeating: 0)
        }
        let lanes = sums.count & ~7
        for index in stride(from: 0, to: lanes, by: 8) {
          let sum: SIMD8<Float> = sum(left + row * rank, right + column + index)
          for lane in 0..<8 { sums[index + lane] = sum[lane] }
        }
        for index in lanes..<sums.count {
          let sum: SIMD8<Float> = sum(left + row * rank, right + column + index, lanes: 1)
          sums[index] = sum[0]
        }
      }
    }
  }

  /// Eight neighbours, or the first of them. Each step is rounded once: a product of two floats is exact in double
  /// precision.
  @inline(__always)
  private func sum(
    _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, lanes: Int = 8
  ) -> SIMD8<Float> {
    var total = SIMD8<Float>()
    for start in stride(from: 0, to: rank, by: block) {
      var sum = SIMD8<Float>()
      for k in start..<min(start + block, rank) {
        let place = UnsafeRawPointer(right + k * columns)
        let values =
          lanes == 8
          ? place.loadUnaligned(as: SIMD8<Float>.self)
          : SIMD8<Float>(repeating: place.loadUnaligned(as: Float.self))
        let product = SIMD8<Double>(values) * Double(left[k])
        sum = SIMD8<Float>(SIMD8<Double>(sum) + product)
      }
      total = start == 0 ? sum : total + sum
    }
    return total
  }
}
