import Canonical
import Diagnostics
import Kernels
import Tensors

/// A matrix of weights, read where it is stored wherever its rows can be.
package struct WeightMatrix: Sendable {
  let rows: Int
  let columns: Int
  /// Whether the weights are computed from where they are stored.
  let isInPlace: Bool
  /// The order in which inputs have to be, where that is not their own.
  let order: ColumnOrder?
  private let source: Source

  private enum Source {
    case stored(StoredRows)
    case packed(PackedRows)
  }

  /// Binds a tensor of shape `[rows, columns]`.
  /// - Parameter reorders: whether the caller puts inputs into `order`, so that columns may stay in the
  ///   order in which they are stored.
  /// - Cost: nothing for rows that kernels read where they lie, and for quantised ones; else memory for
  ///   the matrix, in its stored type where only its columns lie in another order, as F32 where values
  ///   are changed.
  package init(_ tensor: CanonicalTensor, rows: Int, columns: Int, reorders: Bool = false) throws {
    if let (stored, order) = try StoredRows.inPlace(
      tensor, rows: rows, columns: columns, reorders: reorders)
    {
      self.init(.stored(stored), rows, columns, isInPlace: true, order)
    } else if let packed = try PackedRows(tensor, rows: rows, columns: columns) {
      self.init(.packed(packed), rows, columns, isInPlace: true)
    } else {
      let copy = try Self.copy(of: tensor, rows: rows, columns: columns)
      self.init(.stored(copy), rows, columns, isInPlace: false)
    }
  }

  private init(
    _ source: Source, _ rows: Int, _ columns: Int, isInPlace: Bool, _ order: ColumnOrder? = nil
  ) {
    (self.source, self.rows, self.columns) = (source, rows, columns)
    (self.isInPlace, self.order) = (isInPlace, order)
  }

  /// The matrix in new memory: in its own type if its elements only lie in another order, or as F32.
  private static func copy(of tensor: CanonicalTensor, rows: Int, columns: Int) throws -> StoredRows
  {
    let groups = RowPlaces.groups(RowGroups(contiguous: rows, columns: columns))
    let isKept = tensor.steps.isEmpty && tensor.scales == nil && tensor.type.isFloat
    let own = isKept ? try tensor.contiguous() : nil
    let bytes = try own ?? tensor.floatBytes()
    guard let start = bytes.bytes.baseAddress else {
      throw Problem(.invalid, "a matrix without values", tensor: tensor.origin)
    }
    return StoredRows(own == nil ? .f32 : tensor.type, bytes, start, groups)
  }

  /// Whether rows are multiplied as they lie; else they are decoded a few at a time.
  var isMultipliedInPlace: Bool {
    switch source {
    case .stored: true
    case .packed(let rows): rows.areNibbles
    }
  }

  /// Multiplies some rows with a vector.
  /// - Parameter scratch: four values.
  /// - Precondition: `isMultipliedInPlace`.
  func multiply(
    _ rows: Range<Int>, _ operand: Operand, to target: UnsafeMutablePointer<Float>,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    switch source {
    case .stored(let stored): stored.multiply(rows, operand, to: target, scratch)
    case .packed(let packed): packed.multiply(rows, operand, to: target, scratch)
    }
  }

  /// Whether values are stored as BF16.
  var isBF16: Bool {
    guard case .stored(let stored) = source else { return false }
    return stored.type == .bf16
  }

  /// Copies some values of some rows into a band, as its only part, where they are stored as BF16.
  /// - Returns: whether they are.
  func copyBand(rows: Range<Int>, columns: Range<Int>, to band: UnsafeMutableRawPointer) -> Bool {
    guard case .stored(let stored) = source, stored.type == .bf16 else { return false }
    stored.copyBand(rows: rows, columns: columns, to: band)
    return true
  }

  /// Writes some values of some rows as F32.
  /// - Parameter stride: the distance of the rows that are written.
  /// - Precondition: the columns start and end with a block of the type.
  func widen(
    rows: Range<Int>, columns range: Range<Int>, to target: UnsafeMutablePointer<Float>, stride: Int
  ) {
    switch source {
    case .stored(let stored):
      for row in rows {
        stored.widen(
          row: row, columns: range, to: target + (row - rows.lowerBound) * stride)
      }
    case .packed(let packed):
      packed.widen(rows: rows, columns: range, to: target, stride: stride)
    }
  }

  /// Writes some values of a row as F32.
  func widen(row index: Int, columns range: Range<Int>, to target: UnsafeMutablePointer<Float>) {
    widen(rows: index..<index + 1, columns: range, to: target, stride: range.count)
  }
}

extension CanonicalTensor {
  /// The elements in canonical order and in the stored type.
  /// - Throws: `Problem` of kind `io` where the system has not enough memory.
  /// - Precondition: the type has no blocks.
  fileprivate func contiguous() throws -> OwnedBytes {
    let unit = type.unit
    let pairing = PairedView(source: view, target: StridedView(contiguous: shape))
    let bytes = try OwnedBytes(reserving: count * unit.bytes)
    try region.withBytes { source in
      pairing.forEachRun { from, to, count in
        let run = source[from * unit.bytes..<(from + count) * unit.bytes]
        UnsafeMutableRawBufferPointer(rebasing: bytes.mutableBytes[(to * unit.bytes)...])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: run))
      }
    }
    return bytes
  }
}
