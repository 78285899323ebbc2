import Tensors

/// A tensor whose elements lie some distance apart, inside other bytes.
struct StridedTensor {
  /// The place of the first element.
  /// - Units: elements.
  let offset: Int
  /// The extents, outermost first, none of them zero.
  let shape: [Int]
  /// The distances along the axes.
  /// - Units: elements.
  let strides: [Int]

  private var view: StridedView {
    let axes = zip(shape, strides).filter { $0.0 > 1 }
    return StridedView(offset: offset, axes: axes.map { .init($0.0, $0.1) }).simplified
  }

  /// Whether the elements follow each other in row-major order.
  var isContiguous: Bool {
    let axes = view.axes
    return axes.isEmpty || axes.map(\.stride) == [1]
  }

  /// The elements in row-major order: where they lie, or put together whenever they are needed.
  /// - Precondition: every element lies inside `data`.
  func region(in data: ByteRegion, width: Int) -> ByteRegion {
    let size = shape.reduce(width, *)
    guard !isContiguous else {
      let start = data.range.lowerBound + offset * width
      return ByteRegion(data.storage, start..<start + size)
    }
    let pairing = PairedView(source: view, target: StridedView(contiguous: shape))
    return ByteRegion(
      DeferredBytes(count: size, of: [data.storage]) { range, buffer in
        try pairing.gather(range, from: data, width: width, into: buffer)
      })
  }
}

extension PairedView {
  /// Copies what lies in a range of the written bytes.
  /// - Parameters:
  ///   - range: the bytes to put together; those that the pairing does not write are left alone.
  ///   - width: the size of an element.
  ///   - buffer: where to put them, the first of the range at its start.
  /// - Units: bytes.
  func gather(
    _ range: Range<Int>, from data: ByteRegion, width: Int,
    into buffer: UnsafeMutableRawBufferPointer
  ) throws {
    let reader = RegionReader(data)
    let elements = range.lowerBound / width..<(range.upperBound + width - 1) / width
    try forEachRun(in: elements) { source, target, count in
      let wanted = (target * width..<(target + count) * width).clamped(to: range)
      let start = source * width + wanted.lowerBound - target * width
      try reader.withBytes(in: start..<start + wanted.count) { bytes in
        UnsafeMutableRawBufferPointer(rebasing: buffer[(wanted.lowerBound - range.lowerBound)...])
          .copyMemory(from: bytes)
      }
    }
  }
}
