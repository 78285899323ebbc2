import Tensors

/// A format whose encoder can weigh errors by how much the inputs of a weight matter, as ggml's routines do
/// where they are given a matrix of importances.
protocol WeighingEncoder: BlockEncoder {
  /// Rounds the values of a whole row.
  /// - Parameter importances: one for each value.
  static func encode(
    row values: UnsafePointer<Float>, blocks count: Int, importances: UnsafePointer<Float>,
    into place: UnsafeMutableRawPointer)
}

/// How much each input of a weight matters, for each of its matrices.
public struct Importances: Hashable, Sendable {
  /// The values of a row.
  let columns: Int
  /// The rows of a matrix.
  let rows: Int
  /// One for each column of each matrix.
  let values: [Float]

  /// Importances of a weight.
  /// - Parameter shape: that of the weight: matrices, rows, columns.
  /// - Returns: nil where there is not one for each column of each matrix.
  public init?(_ values: [Float], shape: [Int]) {
    guard shape.count > 1, let columns = shape.last, columns > 0 else { return nil }
    let matrices = shape.dropLast(2).reduce(1, *)
    guard values.count == matrices * columns else { return nil }
    (self.values, self.columns, rows) = (values, columns, max(1, shape[shape.count - 2]))
  }
}

extension StoredValues {
  /// Whether values are rounded otherwise where some matter more than others.
  public static func weighs(_ type: ScalarType) -> Bool {
    BlockFormats.encoder(of: type) is any WeighingEncoder.Type
  }

  /// Rounds the values of whole rows into blocks, errors weighed by importances.
  /// - Parameters:
  ///   - rows: which rows of the weight they are.
  ///   - values: those of the rows.
  ///   - place: room for the blocks.
  /// - Returns: what rounding made of them.
  /// - Precondition: `weighs(type)`, and rows are whole blocks.
  public static func store(
    rows: Range<Int>, of values: UnsafePointer<Float>, by importances: Importances,
    to place: UnsafeMutableRawPointer, _ type: ScalarType
  ) -> Rounding {
    guard let encoder = BlockFormats.encoder(of: type) as? any WeighingEncoder.Type else {
      preconditionFailure("\(type.rawValue) has no importances")
    }
    let (columns, unit) = (importances.columns, type.unit)
    let blocks = columns / unit.elements
    importances.values.withUnsafeBufferPointer { weights in
      guard let weights = weights.baseAddress else { return }
      for (index, row) in rows.enumerated() {
        encoder.encode(
          row: values + index * columns, blocks: blocks,
          importances: weights + row / importances.rows * columns,
          into: place + index * blocks * unit.bytes)
      }
    }
    return encoder.rounding(of: values, blocks: rows.count * blocks, to: place)
  }
}

extension Lanes {
  /// What the square of the error of a value of these importances counts.
  @inline(__always)
  func weight(of value: Lanes, energy: Lanes) -> Lanes {
    self * (energy + value * value).squareRoot()
  }

  /// The same for values beside which others have the same energy.
  @inline(__always)
  func weight(of value: Lanes, energy: Float) -> Lanes {
    weight(of: value, energy: Lanes(repeating: energy))
  }
}

/// The sum of the squares of values, one after the other.
func sumOfSquares(_ values: UnsafePointer<Float>, count: Int) -> Float {
  var sum: Float = 0
  for index in 0..<count { sum += values[index] * values[index] }
  return sum
}
