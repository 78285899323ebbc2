extension PairedView {
  /// The same pairing counted in blocks of elements instead of elements; nil where a block would be
  /// torn apart.
  public func inBlocks(of size: Int) -> PairedView? {
    guard size > 1 else { return self }
    guard let last = loops.last, runLength > 1, runLength % size == 0, sourceOffset % size == 0,
      targetOffset % size == 0
    else { return loops.isEmpty && sourceOffset == 0 && targetOffset == 0 ? self : nil }
    var result = self
    result.sourceOffset /= size
    result.targetOffset /= size
    result.loops[loops.count - 1] = Loop(
      count: last.count / size, source: .init(last.count / size, 1),
      target: .init(last.count / size, 1))
    for index in loops.indices.dropLast() {
      guard loops[index].source.stride % size == 0, loops[index].target.stride % size == 0 else {
        return nil
      }
      result.loops[index].source.stride /= size
      result.loops[index].target.stride /= size
    }
    return result
  }
}
