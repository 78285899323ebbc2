import Tensors

extension CanonicalTensor {
  /// The first rows of the tensor; nil where they do not lie together in the stored one.
  public func rows(_ count: Int) -> CanonicalTensor? {
    guard let all = shape.first, all > 0, count <= all,
      let view = view.prefix(self.count / all * count)
    else { return nil }
    return resized(to: count, region, view)
  }

  /// Some rows of the tensor, read as a part of it; nil where they do not lie together in the stored one.
  public func rows(_ range: Range<Int>) -> CanonicalTensor? {
    if let rows = rowsOfPiece(range) { return rows }
    let plain = view.simplified
    guard let all = shape.first, all > 0, range.upperBound <= all, plain.axes.count == 1,
      plain.axes[0].stride == 1, plain.axes[0].table == nil
    else { return nil }
    let width = count / all
    var view = plain
    view.offset += range.lowerBound * width
    view.axes[0].count = range.count * width
    var tensor = CanonicalTensor(
      shape: [range.count] + shape.dropFirst(), type: type, region: region, view: view,
      steps: steps, scales: scales, origin: origin)
    (tensor.hasFixedType, tensor.isJoined) = (hasFixedType, true)
    if !formerTypes.isEmpty, all % formerTypes.count == 0 {
      let (index, rest) = range.lowerBound.quotientAndRemainder(dividingBy: all / formerTypes.count)
      if rest == 0, index < formerTypes.count { tensor.formerType = formerTypes[index] }
    }
    return tensor
  }

  /// The tensor with rows of zeros behind its own; nil where its rows do not lie in order, or their zeros
  /// are not those of the stored type.
  /// - Cost: nothing; bytes are put together when they are read.
  public func padded(to count: Int) -> CanonicalTensor? {
    guard let own = storedRows, let all = shape.first, count >= all else { return nil }
    let bytes = DeferredBytes(count: own.count / all * count) { range, place in
      let stored = range.clamped(to: 0..<own.count)
      if !stored.isEmpty {
        try own.withBytes(in: stored) {
          UnsafeMutableRawBufferPointer(rebasing: place[..<stored.count]).copyMemory(from: $0)
        }
      }
      UnsafeMutableRawBufferPointer(rebasing: place[max(stored.count, 0)...])
        .initializeMemory(as: UInt8.self, repeating: 0)
    }
    return resized(
      to: count, ByteRegion(bytes),
      StridedView(contiguous: [count] + Array(shape.dropFirst())))
  }

  /// Whether the rows from one on repeat the first of them, byte by byte, as rows do that were never
  /// trained; nil where rows do not lie in order.
  /// - Cost: reads these rows, a window at a time.
  public func repeatsRows(from first: Int) throws -> Bool? {
    guard let stored = storedRows, let all = shape.first, first < all else { return nil }
    let width = stored.count / all
    let pattern = try stored.withBytes(in: first * width..<(first + 1) * width) { Array($0) }
    let step = max(ByteRegion.window / max(width, 1), 1)
    for start in stride(from: first, to: all, by: step) {
      let rows = start..<min(start + step, all)
      let isSame = try stored.withBytes(in: rows.lowerBound * width..<rows.upperBound * width) {
        bytes in
        stride(from: 0, to: bytes.count, by: width).allSatisfy { row in
          bytes[row..<row + width].elementsEqual(pattern)
        }
      }
      if !isSame { return false }
    }
    return true
  }

  /// The bytes where the whole region is the tensor, row by row and as it is.
  private var storedRows: ByteRegion? {
    guard steps.isEmpty, scales == nil, let rows = shape.first, rows > 0,
      view.simplified == StridedView(contiguous: shape).simplified,
      region.count == TensorShape.byteCount(shape, type), region.count % rows == 0
    else { return nil }
    return region
  }

  private func resized(to count: Int, _ region: ByteRegion, _ view: StridedView) -> CanonicalTensor
  {
    var tensor = CanonicalTensor(
      shape: [count] + shape.dropFirst(), type: type, region: region, view: view, steps: steps,
      scales: scales, origin: origin)
    tensor.hasFixedType = hasFixedType
    tensor.isResized = true
    return tensor
  }
}
