import Canonical
import Tensors

/// Where the rows of a matrix lie in a stored tensor.
enum RowPlaces {
  /// Row i at `offset + (i / innerCount) · outerStride + (i % innerCount) · innerStride`.
  case groups(RowGroups)
  /// Rows at the listed places.
  case table([Int])

  /// Reads the places off a view, in blocks of `size` elements; nil where rows are not whole there.
  /// - Cost: one integer per row where rows lie irregularly, as tiled value heads do.
  init?(_ view: StridedView, rows: Int, columns: Int, blocks size: Int) {
    if let groups = RowGroups(view, rows: rows, columns: columns), columns % size == 0,
      [groups.offset, groups.innerStride, groups.outerStride].allSatisfy({ $0 % size == 0 })
    {
      self = .groups(groups)
      return
    }
    guard rows > 0, columns > 1, view.count == rows * columns, columns % size == 0 else {
      return nil
    }
    var plain = view.simplified
    guard let last = plain.axes.popLast(), last.table == nil, last.stride == 1,
      last.count % columns == 0
    else { return nil }
    plain.axes.append(.init(last.count / columns, columns))
    let places = plain.positions
    guard places.allSatisfy({ $0 % size == 0 }) else { return nil }
    self = .table(places)
  }

  /// The place of a row.
  subscript(row: Int) -> Int {
    switch self {
    case .groups(let groups): groups.place(of: row)
    case .table(let places): places[row]
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

  /// The place of a row.
  func place(of row: Int) -> Int {
    offset + row / innerCount * outerStride + row % innerCount * innerStride
  }
}
