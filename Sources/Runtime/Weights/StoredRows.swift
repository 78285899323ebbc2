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

  /// Multiplies four rows with a vector.
  func multiply(
    _ rows: (Int, Int, Int, Int), _ operand: Operand, to result: UnsafeMutablePointer<Float>
  ) {
    let rows = (self[rows.0], self[rows.1], self[rows.2], self[rows.3])
    let count = operand.depth
    switch type {
    case .bf16: kernels.dotProducts.bf16(operand.panels, rows, count: count, result: result)
    case .f16: kernels.dotProducts.f16(operand.panels, rows, count: count, result: result)
    case .f32: kernels.dotProducts.f32(operand.rows, rows, count: count, result: result)
    default:
      kernels.blocks(of: type)?.dot(
        operand.rows, rows, blocks: count / type.unit.elements, result: result)
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
