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
    let gathered = DeferredBytes(count: size) { buffer in
      data.withBytes { bytes in
        pairing.forEachRun { source, target, count in
          UnsafeMutableRawBufferPointer(rebasing: buffer[(target * width)...])
            .copyMemory(
              from: .init(rebasing: bytes[(source * width)..<(source + count) * width]))
        }
      }
    }
    return ByteRegion(gathered)
  }
}
