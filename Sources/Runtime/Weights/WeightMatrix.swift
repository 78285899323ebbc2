import Canonical
import Diagnostics
import Kernels
import Tensors

/// A matrix of weights, read where it is stored wherever its rows are whole there.
package struct WeightMatrix: @unchecked Sendable {
  let rows: Int
  let columns: Int
  let type: ScalarType
  /// Whether the weights are computed from where they are stored.
  let isInPlace: Bool
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

  /// Binds a tensor of shape `[rows, columns]`.
  /// - Cost: nothing where rows are whole in the stored tensor; else memory for the matrix, in its
  ///   stored type where only its columns lie in another order, as F32 where values are changed.
  package init(_ tensor: CanonicalTensor, rows: Int, columns: Int) throws {
    let isKept =
      tensor.steps.isEmpty && tensor.scales == nil
      && (tensor.type.isFloat || tensor.type == .q8Zero)
    let unit = tensor.type.unit
    // Nothing is copied where every row is whole in the stored tensor.
    if isKept,
      let places = RowPlaces(tensor.view, rows: rows, columns: columns, blocks: unit.elements),
      let start = try tensor.region.storage.bytes.baseAddress
    {
      let stored = StoredRows(
        type: tensor.type, storage: tensor.region.storage,
        start: start + tensor.region.range.lowerBound, places: places)
      self.init(stored, rows: rows, columns: columns, isInPlace: true)
      return
    }
    // Else the matrix is copied: in its own type if its elements only lie in another order, or as F32.
    let groups = RowPlaces.groups(RowGroups(contiguous: rows, columns: columns))
    if isKept, columns % unit.elements == 0, let bytes = try tensor.contiguous(),
      let start = bytes.bytes.baseAddress
    {
      let stored = StoredRows(type: tensor.type, storage: bytes, start: start, places: groups)
      self.init(stored, rows: rows, columns: columns, isInPlace: false)
    } else {
      let bytes = try tensor.floatBytes()
      guard let start = bytes.bytes.baseAddress else {
        throw Problem(.invalid, "a matrix without values", tensor: tensor.origin)
      }
      let stored = StoredRows(type: .f32, storage: bytes, start: start, places: groups)
      self.init(stored, rows: rows, columns: columns, isInPlace: false)
    }
  }

  /// Where the values of a matrix are stored.
  private struct StoredRows {
    let type: ScalarType
    let storage: any ByteStorage
    let start: UnsafeRawPointer
    let places: RowPlaces
  }

  private init(_ stored: StoredRows, rows: Int, columns: Int, isInPlace: Bool) {
    (self.rows, self.columns, self.isInPlace) = (rows, columns, isInPlace)
    (type, storage) = (stored.type, stored.storage)
    let (unit, start) = (stored.type.unit, stored.start)
    switch stored.places {
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

  /// The stored values of a row.
  func row(_ index: Int) -> UnsafeRawPointer {
    if let table { return base + table[index] }
    return base + index / innerCount * outerStride + index % innerCount * innerStride
  }

  /// Writes some values of a row as F32.
  /// - Precondition: the range starts and ends with a block of the type.
  func widen(row index: Int, columns range: Range<Int>, to target: UnsafeMutablePointer<Float>) {
    let unit = type.unit
    let source = row(index) + range.lowerBound / unit.elements * unit.bytes
    switch type {
    case .bf16: kernels.widening.bf16(source, count: range.count, target: target)
    case .f16: kernels.widening.f16(source, count: range.count, target: target)
    case .q8Zero:
      kernels.blocks.widen(source, blocks: range.count / unit.elements, target: target)
    default: kernels.widening.f32(source, count: range.count, target: target)
    }
  }
}

/// How the rows of a matrix lie in a stored tensor, in elements.
struct RowGroups: Hashable {
  var offset: Int
  var innerCount: Int
  var innerStride: Int
  var outerStride: Int

  /// Rows one after the other.
  init(contiguous rows: Int, columns: Int) {
    (offset, innerCount, innerStride, outerStride) = (0, max(rows, 1), columns, 0)
  }

  /// Reads the groups off a view, or nil where rows are not whole or lie less regularly.
  init?(_ view: StridedView, rows: Int, columns: Int) {
    guard rows > 0, columns > 0, view.count == rows * columns else { return nil }
    let plain = view.simplified
    var axes = plain.axes
    guard axes.allSatisfy({ $0.table == nil }) else { return nil }
    if columns > 1 {
      guard let last = axes.popLast(), last.stride == 1, last.count % columns == 0 else {
        return nil
      }
      if last.count > columns { axes.append(.init(last.count / columns, columns)) }
    }
    axes.removeAll { $0.count == 1 }
    guard axes.count <= 2 else { return nil }
    offset = plain.offset
    innerCount = axes.last?.count ?? 1
    innerStride = axes.last?.stride ?? 0
    outerStride = axes.count == 2 ? axes[0].stride : 0
  }
}
