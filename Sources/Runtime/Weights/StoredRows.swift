import Canonical
import Kernels
import Packing
import Tensors

/// Rows of a matrix that are read where they are stored, in their stored type.
struct StoredRows: @unchecked Sendable {
  let type: ScalarType
  private let storage: any ByteStorage
  private let base: UnsafeRawPointer
  private let innerCount: Int
  /// - Units: bytes.
  private let innerStride: Int
  /// - Units: bytes.
  private let outerStride: Int
  /// The place of every row, where rows lie irregularly.
  /// - Units: bytes.
  private let table: [Int]?

  /// Rows from an address on, which the storage keeps.
  init(
    _ type: ScalarType, _ storage: any ByteStorage, _ start: UnsafeRawPointer, _ places: RowPlaces
  ) {
    (self.type, self.storage) = (type, storage)
    let unit = type.unit
    switch places {
    case .groups(let groups):
      base = start + groups.offset / unit.elements * unit.bytes
      innerCount = groups.innerCount
      innerStride = groups.innerStride / unit.elements * unit.bytes
      outerStride = groups.outerStride / unit.elements * unit.bytes
      table = nil
    case .table(let list):
      base = start
      (innerCount, innerStride, outerStride) = (1, 0, 0)
      table = list.map { $0 / unit.elements * unit.bytes }
    }
  }

  /// The rows of a tensor, where they are of a type that kernels read and whole as they lie.
  /// - Parameter reorders: whether the columns of a row may lie in another order.
  /// - Returns: the rows, and the order of their columns where it is another.
  static func inPlace(_ tensor: CanonicalTensor, rows: Int, columns: Int, reorders: Bool) throws
    -> (
      rows: StoredRows, order: ColumnOrder?
    )?
  {
    guard tensor.isReadByKernels, let start = try tensor.region.storage.bytes.baseAddress else {
      return nil
    }
    func stored(_ places: RowPlaces) -> StoredRows {
      StoredRows(
        tensor.type, tensor.region.storage, start + tensor.region.range.lowerBound, places)
    }
    let size = tensor.type.unit.elements
    if let places = RowPlaces(tensor.view, rows: rows, columns: columns, blocks: size) {
      return (stored(places), nil)
    }
    guard reorders, columns % size == 0,
      let (order, places) = ColumnOrder.read(tensor.view, rows: rows, columns: columns),
      order.isPermutation, places.allSatisfy({ $0 % size == 0 })
    else { return nil }
    return (stored(.table(places)), order)
  }

  /// The stored values of a row.
  subscript(index: Int) -> UnsafeRawPointer {
    if let table { return base + table[index] }
    if index < innerCount { return base + index * innerStride }
    return base + index / innerCount * outerStride + index % innerCount * innerStride
  }

  /// Writes some values of a row as F32.
  /// - Precondition: the range starts and ends with a block of the type.
  func widen(row index: Int, columns range: Range<Int>, to target: UnsafeMutablePointer<Float>) {
    let unit = type.unit
    let source = self[index] + range.lowerBound / unit.elements * unit.bytes
    switch type {
    case .bf16: kernels.widening.bf16(source, count: range.count, target: target)
    case .f16: kernels.widening.f16(source, count: range.count, target: target)
    case .f32: kernels.widening.f32(source, count: range.count, target: target)
    default:
      kernels.blocks(of: type)?.widen(source, blocks: range.count / unit.elements, target: target)
    }
  }

  /// Multiplies some rows with a vector.
  /// - Parameter scratch: four values.
  func multiply(
    _ rows: Range<Int>, _ operand: Operand, to target: UnsafeMutablePointer<Float>,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    let count = operand.depth, dot = kernels.dotProducts
    func each(_ multiply: (RowAddresses) -> Void) {
      rows.forEachFour(target, scratch) { multiply((self[$0], self[$1], self[$2], self[$3])) }
    }
    switch type {
    case .bf16: each { dot.bf16(operand.panels, $0, count: count, result: scratch) }
    case .f16: each { dot.f16(operand.panels, $0, count: count, result: scratch) }
    case .f32: each { dot.f32(operand.rows, $0, count: count, result: scratch) }
    default:
      guard let kernels = kernels.blocks(of: type) else { return }
      let (x, blocks) = (operand.arranged(for: type), count / type.unit.elements)
      each { kernels.dot(x, $0, blocks: blocks, result: scratch) }
    }
  }
}

private typealias RowAddresses = (
  UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer
)

extension Range<Int> {
  /// Calls `body` for four rows at a time, a quarter of the range apart, and writes what it leaves in `result` to
  /// their places; the last ones repeat where rows do not divide by four.
  @inline(__always)
  func forEachFour(
    _ target: UnsafeMutablePointer<Float>, _ result: UnsafeMutablePointer<Float>,
    _ body: (Int, Int, Int, Int) -> Void
  ) {
    let quarter = (count + 3) / 4, last = upperBound - 1
    for a in lowerBound..<lowerBound + quarter {
      let (b, c) = (Swift.min(a + quarter, last), Swift.min(a + 2 * quarter, last))
      let d = Swift.min(a + 3 * quarter, last)
      body(a, b, c, d)
      (target[a], target[b], target[c], target[d]) = (result[0], result[1], result[2], result[3])
    }
  }
}

extension KernelSet {
  /// The kernels for blocks of a type; nil for one that is decoded before it is computed with.
  func blocks(of type: ScalarType) -> (any BlockKernels.Type)? {
    switch type {
    case .q8Zero: blocks.q8Zero
    case .q4K: blocks.q4K
    case .q6K: blocks.q6K
    default: nil
    }
  }
}

extension CanonicalTensor {
  /// Whether kernels read the values where they lie.
  fileprivate var isReadByKernels: Bool {
    steps.isEmpty && scales == nil && !(region.storage is UnpackedBytes)
      && (type.isFloat || kernels.blocks(of: type) != nil)
  }
}
