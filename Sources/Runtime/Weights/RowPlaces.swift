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
}

extension CanonicalTensor {
  /// The elements in canonical order and in the stored type; nil where blocks would be torn apart.
  /// - Throws: `Problem` of kind `io` where the system has not enough memory.
  func contiguous() throws -> OwnedBytes? {
    let unit = type.unit
    let pairing = PairedView(source: view, target: StridedView(contiguous: shape))
    guard let blocks = pairing.inBlocks(of: unit.elements) else { return nil }
    let bytes = try OwnedBytes(reserving: count / unit.elements * unit.bytes)
    try region.withBytes { source in
      blocks.forEachRun { from, to, count in
        let run = source[from * unit.bytes..<(from + count) * unit.bytes]
        UnsafeMutableRawBufferPointer(rebasing: bytes.mutableBytes[(to * unit.bytes)...])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: run))
      }
    }
    return bytes
  }
}
