import Canonical
import Kernels
import Tensors

/// A matrix of weights, read where it is stored wherever its rows are whole there.
///
/// Rows may lie in groups, as they do where a layout weaves several matrices into one tensor:
/// ```
/// row i at base + (i / innerCount) · outerStride + (i % innerCount) · innerStride
/// ```
package struct WeightMatrix: @unchecked Sendable {
  let rows: Int
  let columns: Int
  let type: ScalarType
  private let storage: (any ByteStorage)?
  private let owned: FloatBuffer?
  private let base: UnsafeRawPointer
  private let innerCount: Int
  /// - Units: bytes.
  private let innerStride: Int
  /// - Units: bytes.
  private let outerStride: Int

  /// Binds a tensor of shape `[rows, columns]`.
  /// - Cost: nothing, or 4 bytes per element where rows are scattered or values are stored changed or
  ///   quantised.
  package init(_ tensor: CanonicalTensor, rows: Int, columns: Int) throws {
    self.rows = rows
    self.columns = columns
    if tensor.steps.isEmpty, tensor.scales == nil,
      let groups = RowGroups(tensor.view, rows: rows, columns: columns),
      let start = tensor.region.storage.bytes.baseAddress
    {
      let width = tensor.type.bitWidth / 8
      type = tensor.type
      owned = nil
      storage = tensor.region.storage
      base = start + tensor.region.range.lowerBound + groups.offset * width
      innerCount = groups.innerCount
      innerStride = groups.innerStride * width
      outerStride = groups.outerStride * width
    } else {
      let owned = try FloatBuffer(tensor.floats())
      type = .f32
      storage = nil
      base = UnsafeRawPointer(owned.pointer)
      self.owned = owned
      innerCount = rows
      innerStride = columns * 4
      outerStride = 0
    }
  }

  /// Whether the weights are computed from where they are stored.
  var isInPlace: Bool { owned == nil }

  /// The stored values of a row.
  func row(_ index: Int) -> UnsafeRawPointer {
    base + index / innerCount * outerStride + index % innerCount * innerStride
  }

  /// Writes some values of a row as F32.
  func widen(row index: Int, columns range: Range<Int>, to target: UnsafeMutablePointer<Float>) {
    let source = row(index) + range.lowerBound * (type.bitWidth / 8)
    switch type {
    case .bf16: kernels.widening.bf16(source, count: range.count, target: target)
    case .f16: kernels.widening.f16(source, count: range.count, target: target)
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
