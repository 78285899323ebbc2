import Kernels

extension SoftmaxHeads {
  /// The values that one worker needs for the keys and values of chosen blocks, side by side.
  var gatheredCount: Int { kernels.attention.blockLength * (dk + KeyValueCache.padded(dv)) }

  /// Attends from one query to the blocks that it has chosen and to the positions behind the last complete
  /// block.
  ///
  /// Their keys and values are gathered, 64 at a time, so that the kernel sees a short sequence.
  /// - Parameters:
  ///   - group: one position, counted in its sequence of the segment.
  ///   - position: the same, counted from the beginning of the text.
  func add(
    _ blocks: BlockKeys, _ group: Group, position: Int, _ cache: KeyValueCache, _ scratch: Scratch
  ) {
    let length = kernels.attention.blockLength
    let kvHead = kvHead(of: group)
    let gathered = scratch.gathered
    let values = gathered + length * dk
    var filled = 0
    func flush() {
      guard filled > 0 else { return }
      let keys = AttentionKeys(
        keys: gathered, values: values, first: 0, hd: dk, hdp: KeyValueCache.padded(dv))
      // As if the query stood at the last of the keys, so that it sees all of them and nothing behind.
      let queries = AttentionQueries(
        scratch.q, positions: 1, heads: group.heads.count, first: filled - 1, window: length)
      kernels.attention.add(keys, queries, to: scratch.sums)
      filled = 0
    }
    func take(_ positions: Range<Int>) {
      var next = positions.lowerBound
      while next < positions.upperBound {
        let count = cache.gather(
          next..<positions.upperBound, head: kvHead, keys: gathered, values: values, at: filled)
        (next, filled) = (next + count, filled + count)
        if filled == length { flush() }
      }
    }
    let chosen = blocks.chosen(group.positions.lowerBound)
    for place in 0..<blocks.most {
      let first = Int(chosen[place]) * blocks.length
      take(first..<first + blocks.length)
    }
    take((position + 1) / blocks.length * blocks.length..<position + 1)
    flush()
  }
}

extension KeyValueCache {
  /// Copies keys and values of some positions of a head behind others, as a block of 64 lies.
  /// - Returns: how many were copied: those in one panel of both.
  func gather(
    _ positions: Range<Int>, head: Int, keys targetKeys: UnsafeMutablePointer<Float>,
    values targetValues: UnsafeMutablePointer<Float>, at place: Int
  ) -> Int {
    let (length, panel) = (kernels.attention.blockLength, kernels.attention.panelWidth)
    let (block, index) = positions.lowerBound.quotientAndRemainder(dividingBy: length)
    let count = min(positions.count, panel - index % panel, panel - place % panel)
    let source = keys(block: block, head: head) + index / panel * dk * panel + index % panel
    let target = targetKeys + place / panel * dk * panel + place % panel
    copyColumns(UnsafeRawPointer(source), to: UnsafeMutableRawPointer(target), count, panel)
    (targetValues + place * dvp).update(
      from: values(block: block, head: head) + index * dvp, count: count * dvp)
    return count
  }

  /// Copies some columns of a panel of keys, four at a time, as most blocks have four or more.
  private func copyColumns(
    _ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, _ count: Int, _ panel: Int
  ) {
    for column in stride(from: 0, to: count & ~3, by: 4) {
      for dim in 0..<dk {
        let place = 4 * (dim &* panel &+ column)
        target.storeBytes(
          of: source.loadUnaligned(fromByteOffset: place, as: SIMD4<Float>.self),
          toByteOffset: place, as: SIMD4<Float>.self)
      }
    }
    for column in count & ~3..<count {
      for dim in 0..<dk {
        let place = 4 * (dim &* panel &+ column)
        target.storeBytes(
          of: source.load(fromByteOffset: place, as: Float.self), toByteOffset: place,
          as: Float.self)
      }
    }
  }
}
