import Canonical
import Opening
import Synchronization
import Tensors

/// Adds the product of two thin matrices and gives each row, or each column of an embedding, the norm that was learned
/// for it, as DoRA does.
final class NormedProduct: TensorChange {
  /// What the norms are of.
  enum Axis {
    case rows, columns
  }

  private let update: LowRankUpdate
  private let magnitude: AdapterTensor
  private let axis: Axis
  private let places: [ChangedPlace]
  private let factors = Mutex<[Float]?>(nil)

  /// - Parameter places: the tensors of the base that hold the rows.
  init(
    _ update: LowRankUpdate, _ magnitude: AdapterTensor, of axis: Axis, in places: [ChangedPlace]
  ) {
    (self.update, self.magnitude, self.axis, self.places) = (update, magnitude, axis, places)
  }

  func apply(
    _ run: Range<Int>, to values: UnsafeMutableBufferPointer<Float>, _ type: ScalarType
  ) throws {
    let factors = try knownFactors()
    try update.forEachRow(run) { start, change in
      let (row, column) = (run.lowerBound + start).quotientAndRemainder(dividingBy: update.columns)
      for index in change.indices {
        let factor = factors[axis == .rows ? row : column + index]
        values[start + index] = factor * (values[start + index] + change[index])
      }
    }
  }

  /// What each row or column is multiplied with.
  /// - Cost: one pass over the base the first time.
  private func knownFactors() throws -> [Float] {
    try factors.withLock { known in
      if let known { return known }
      let norms =
        switch axis {
        case .rows: try norms(RowSums(rows: update.rows, columns: update.columns))
        case .columns: try norms(ColumnSums(columns: update.columns))
        }
      let made = try magnitude.region.withBytes { bytes in
        norms.indices.map { FloatBits.load(bytes, $0, magnitude.type) / norms[$0] }
      }
      known = made
      return made
    }
  }

  /// The norms of base and change together.
  private func norms(_ empty: some SquareSums) throws -> [Float] {
    var sums = empty
    for place in places {
      try place.forEachRun { run, values in
        try update.forEachRow(run) { start, change in
          let (row, column) = (run.lowerBound + start).quotientAndRemainder(
            dividingBy: update.columns)
          for index in change.indices {
            sums.add(values[start + index] + change[index], row, column + index)
          }
        }
      }
    }
    return sums.norms
  }
}

/// Sums of squares in the order in which PyTorch sums them, so that its results are met to the bit.
private protocol SquareSums {
  /// Adds a value; those of a row come in order, and so do the rows.
  mutating func add(_ value: Float, _ row: Int, _ column: Int)
  var norms: [Float] { get }
}

/// The norms of columns, each summed from the first row to the last.
private struct ColumnSums: SquareSums {
  private var sums: [Float]

  init(columns: Int) { sums = Array(repeating: 0, count: columns) }

  mutating func add(_ value: Float, _ row: Int, _ column: Int) { sums[column] += value * value }

  var norms: [Float] { sums.map { $0.squareRoot() } }
}

/// The norms of rows: eight sums side by side, then these one after the other, then what is left of the row.
private struct RowSums: SquareSums {
  private static let lanes = 8
  private let columns: Int
  private var sums: [Float]
  private var rest: [Float]

  init(rows: Int, columns: Int) {
    self.columns = columns
    sums = Array(repeating: 0, count: rows * Self.lanes)
    rest = Array(repeating: 0, count: rows * Self.lanes)
  }

  mutating func add(_ value: Float, _ row: Int, _ column: Int) {
    let place = row * Self.lanes + column % Self.lanes
    if column < columns - columns % Self.lanes {
      sums[place] += value * value
    } else {
      rest[place] = value
    }
  }

  var norms: [Float] {
    stride(from: 0, to: sums.count, by: Self.lanes).map { start in
      let whole = sums[start + 1..<start + Self.lanes].reduce(sums[start], +)
      return rest[start..<start + columns % Self.lanes].reduce(whole) { $0 + $1 * $1 }.squareRoot()
    }
  }
}
