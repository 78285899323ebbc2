import Canonical
import Kernels
import Packing
import Tensors

/// Rows of a matrix that are decoded from where they are packed, some columns of some rows at a time.
struct PackedRows: @unchecked Sendable {
  private let weight: any PackedWeight
  private let columns: Int
  private let places: RowPlaces
  /// The order of columns, where it is another than that of the weight.
  private let order: ColumnOrder?
  /// The same rows for kernels that multiply 4-bit integers.
  private let nibbles: BoundNibbles?

  /// The mean length of runs of columns below which decoding them one by one is dearer than memory.
  private static let leastRun = 8

  /// The rows of a quantised tensor; nil where a row is no list of runs of columns of a stored one.
  /// - Throws: `Problem` of kind `io` where the parts of the weight cannot be read.
  /// - Cost: memory for those parts alone that lie in several files.
  init?(_ tensor: CanonicalTensor, rows: Int, columns: Int) throws {
    guard tensor.isQuantised, tensor.steps.isEmpty, let weight = tensor.packed else { return nil }
    if let places = RowPlaces(tensor.view, rows: rows, columns: columns, blocks: 1) {
      (self.places, order) = (places, nil)
    } else if let (order, places) = ColumnOrder.read(tensor.view, rows: rows, columns: columns),
      order.runs.count * Self.leastRun <= columns
    {
      (self.places, self.order) = (.table(places), order)
    } else {
      return nil
    }
    (self.weight, self.columns) = (weight, columns)
    // From here on decoding reads memory alone, and cannot fail.
    for part in weight.parts { _ = try part.region.storage.bytes }
    nibbles =
      order == nil && weight.columns == columns
      ? try weight.nibbles.flatMap(BoundNibbles.init) : nil
  }

  /// Whether rows can be multiplied without being decoded.
  var areNibbles: Bool { nibbles != nil }

  /// Multiplies some rows with a vector.
  /// - Parameter scratch: four values.
  /// - Precondition: `areNibbles`.
  func multiply(
    _ rows: Range<Int>, _ operand: Operand, to target: UnsafeMutablePointer<Float>,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    guard let nibbles else { return }
    let dot = kernels.nibbles
    func row(_ index: Int) -> NibbleRow { nibbles[places[index] / columns] }
    rows.forEachFour(target, scratch) {
      dot.dot(
        operand.panels, (row($0), row($1), row($2), row($3)), nibbles.shape, result: scratch)
    }
  }

  /// Writes some columns of some rows as F32.
  func widen(
    rows: Range<Int>, columns range: Range<Int>, to target: UnsafeMutablePointer<Float>, stride: Int
  ) {
    do {
      guard order == nil, weight.columns == columns else {
        for row in rows {
          try decode(places[row], range, to: target + (row - rows.lowerBound) * stride)
        }
        return
      }
      try forEachNeighbours(in: rows) { first, place, count in
        try weight.decode(
          rows: place..<place + count, columns: range,
          into: target + (first - rows.lowerBound) * stride, stride: stride)
      }
    } catch {
      preconditionFailure("the parts of packed weights are in memory once they are bound")
    }
  }

  private func decode(
    _ place: Int, _ range: Range<Int>, to target: UnsafeMutablePointer<Float>
  ) throws {
    guard let order else {
      return try weight.decode(
        place + range.lowerBound..<place + range.upperBound, into: target)
    }
    try order.forEachPiece(in: range) { run in
      let first = place + run.place
      try weight.decode(
        first..<first + run.count, into: target + (run.column - range.lowerBound))
    }
  }

  /// Calls `body` for runs of rows that are neighbours in the weight too.
  private func forEachNeighbours(
    in rows: Range<Int>, _ body: (_ first: Int, _ place: Int, _ count: Int) throws -> Void
  ) rethrows {
    var first = rows.lowerBound
    while first < rows.upperBound {
      let place = places[first]
      var end = first + 1
      while end < rows.upperBound, places[end] == place + (end - first) * columns { end += 1 }
      try body(first, place / columns, end - first)
      first = end
    }
  }
}

/// Rows of 4-bit integers in memory.
private struct BoundNibbles {
  let shape: NibbleShape
  private let rowBytes: Int
  /// The scales of a row.
  /// - Units: bytes.
  private let scaleBytes: Int
  private let codes: UnsafeRawPointer
  private let scales: UnsafeRawPointer
  private let biases: UnsafeRawPointer?

  /// The rows of a weight; nil where its groups are no multiples of 32.
  init?(_ rows: NibbleRows) throws {
    let groups = rows.rowBytes * 2 / rows.group
    guard rows.group % 32 == 0, groups * rows.group == rows.rowBytes * 2,
      let codes = try rows.codes.start, let scales = try rows.scales.start
    else { return nil }
    let type: NibbleShape.Scale = rows.type == .bf16 ? .bf16 : rows.type == .f16 ? .f16 : .f32
    shape = NibbleShape(group: rows.group, groups: groups, zero: rows.zero, scale: type)
    (rowBytes, scaleBytes) = (rows.rowBytes, groups * (rows.type.byteWidth ?? 4))
    (self.codes, self.scales) = (codes, scales)
    biases = try rows.biases?.start
  }

  subscript(row: Int) -> NibbleRow {
    NibbleRow(
      codes: codes + row * rowBytes, scales: scales + row * scaleBytes,
      biases: biases.map { $0 + row * scaleBytes })
  }
}

extension ByteRegion {
  /// The address of the first byte, valid while the storage is referenced.
  fileprivate var start: UnsafeRawPointer? {
    get throws { try storage.bytes.baseAddress.map { $0 + range.lowerBound } }
  }
}
