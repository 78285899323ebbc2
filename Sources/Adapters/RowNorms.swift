import Canonical
import Opening
import Synchronization
import Tensors

/// Adds the product of two thin matrices and gives each row the norm that was learned for it, as DoRA does.
final class NormedProduct: TensorChange {
  private let update: LowRankUpdate
  private let magnitude: AdapterTensor
  private let places: [ChangedPlace]
  private let factors = Mutex<[Float]?>(nil)

  /// - Parameter places: the tensors of the base that hold the rows.
  init(_ update: LowRankUpdate, _ magnitude: AdapterTensor, in places: [ChangedPlace]) {
    (self.update, self.magnitude, self.places) = (update, magnitude, places)
  }

  func apply(
    _ run: Range<Int>, to values: UnsafeMutableBufferPointer<Float>, _ type: ScalarType
  ) throws {
    let factors = try rowFactors()
    try update.forEachRow(run) { start, change in
      let factor = factors[(run.lowerBound + start) / update.columns]
      for index in change.indices {
        values[start + index] = factor * (values[start + index] + change[index])
      }
    }
  }

  /// What each row is multiplied with.
  /// - Cost: one pass over the base the first time.
  private func rowFactors() throws -> [Float] {
    try factors.withLock { known in
      if let known { return known }
      let norms = try norms()
      let made = try magnitude.region.withBytes { bytes in
        norms.indices.map { FloatBits.load(bytes, $0, magnitude.type) / norms[$0] }
      }
      known = made
      return made
    }
  }

  /// The norms of the rows of base and change together.
  private func norms() throws -> [Float] {
    var sums = RowSums(rows: update.rows, columns: update.columns)
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

/// The norms of rows, summed in the order in which PyTorch sums squares, so that its results are met to the bit: eight
/// sums side by side, then these one after the other, then what is left of the row.
private struct RowSums {
  private static let lanes = 8
  private let columns: Int
  private var sums: [Float]
  private var rest: [Float]

  init(rows: Int, columns: Int) {
    self.columns = columns
    sums = Array(repeating: 0, count: rows * Self.lanes)
    rest = Array(repeating: 0, count: rows * Self.lanes)
  }

  /// Adds a value; those of a row come in order.
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
