import Kernels

extension AttentionBlock {
  /// Normalises and rotates the queries and keys of one token, and stores keys and values.
  /// - Parameter index: which of the tokens of its sequence.
  func prepare(
    _ index: Int, _ slice: Segment.Slice, _ buffers: Buffers, _ segment: Segment,
    _ cache: KeyValueCache
  ) {
    let row = slice.rows.lowerBound + index
    let q = buffers.q + row * nh * hd
    let k = buffers.k + row * nkv * hd
    normalise(q, heads: nh, qNorm)
    normalise(k, heads: nkv, kNorm)
    for head in 0..<nh { rotate(q + head * hd, row, segment) }
    for head in 0..<nkv {
      rotate(k + head * hd, row, segment)
      cache.store(
        key: k + head * hd, value: buffers.v + (row * nkv + head) * hd,
        position: slice.start + index, head: head)
    }
  }

  private func normalise(_ x: UnsafeMutablePointer<Float>, heads: Int, _ norm: Norm?) {
    guard let norm else { return }
    for part in 0..<heads * hd / norm.width {
      norm.apply(x + part * norm.width, to: x + part * norm.width)
    }
  }

  private func rotate(_ head: UnsafeMutablePointer<Float>, _ row: Int, _ segment: Segment) {
    guard let rotary else { return }
    let start = rotary.side == .first ? 0 : hd - 2 * rotary.half
    let place = rotary.place * segment.count + row * rotary.half
    kernels.rotary.rotate(
      head + start, cosines: segment.cosines + place, sines: segment.sines + place,
      half: rotary.half)
  }

  /// The queries that are worked on together: some positions of the heads that share keys.
  struct Group {
    let positions: Range<Int>
    let heads: Range<Int>

    var rows: Int { positions.count * heads.count }
  }

  /// How the queries of a segment are divided among tasks.
  struct Grouping {
    private let block: AttentionBlock
    private let tokens: Int
    /// The heads of one group, and the number of groups that share keys.
    private let heads, parts: Int
    private let positions: Int

    init(_ block: AttentionBlock, tokens: Int) {
      let shared = block.nh / block.nkv
      self.block = block
      self.tokens = tokens
      heads = min(shared, kernels.attention.rows)
      parts = (shared + heads - 1) / heads
      positions = kernels.attention.rows / heads
    }

    /// The number of groups.
    var count: Int { block.nkv * parts * ((tokens + positions - 1) / positions) }

    /// The group of a task; those of the last positions, which see the most keys, come first.
    subscript(task: Int) -> Group {
      let (rest, kvHead) = (count - 1 - task).quotientAndRemainder(dividingBy: block.nkv)
      let shared = block.nh / block.nkv
      let (start, head) = (rest / parts * positions, rest % parts * heads)
      return Group(
        positions: start..<min(start + positions, tokens),
        heads: kvHead * shared + head..<kvHead * shared + min(head + heads, shared))
    }
  }

  /// The scratch of one worker: running results and queries.
  private struct Scratch {
    let sums: AttentionSums
    let q: UnsafeMutablePointer<Float>

    init(_ block: AttentionBlock, _ start: UnsafeMutablePointer<Float>) {
      let rows = kernels.attention.rows
      let top = start + rows * kernels.attention.blockLength
      sums = AttentionSums(scores: start, top: top, total: top + rows, values: top + 2 * rows)
      q = sums.values + rows * block.hdp
    }
  }

  /// Computes `softmax(q Kᵀ · scale) V` for one group of queries of one sequence.
  func attend(
    _ group: Group, _ slice: Segment.Slice, _ buffers: Buffers, _ cache: KeyValueCache,
    _ start: UnsafeMutablePointer<Float>
  ) {
    let scratch = Scratch(self, start)
    let position = slice.start + group.positions.lowerBound
    let window = configuration.window ?? (slice.positions.upperBound + 1)
    let firstRow = slice.rows.lowerBound + group.positions.lowerBound
    let sums = scratch.sums
    // Running maximum, sum and weighted values of every row, before any key.
    sums.top.update(repeating: -.infinity, count: group.rows)
    sums.total.update(repeating: 0, count: group.rows)
    sums.values.update(repeating: 0, count: group.rows * hdp)
    gather(group, from: firstRow, buffers, to: scratch.q)
    let length = kernels.attention.blockLength
    let kvHead = group.heads.lowerBound / (nh / nkv)
    let last = position + group.positions.count - 1
    let queries = AttentionQueries(
      scratch.q, positions: group.positions.count, heads: group.heads.count, first: position,
      window: window)
    // Only the blocks that some query of the group sees.
    for block in max(position - window + 1, 0) / length...last / length {
      let keys = AttentionKeys(
        keys: cache.keys(block: block, head: kvHead),
        values: cache.values(block: block, head: kvHead), first: block * length, hd: hd, hdp: hdp)
      kernels.attention.add(keys, queries, to: sums)
    }
    for row in 0..<group.rows {
      let (index, head) = row.quotientAndRemainder(dividingBy: group.heads.count)
      finish(
        sums.values + row * hdp, sums.total[row], row: firstRow + index,
        head: group.heads.lowerBound + head, buffers)
    }
  }

  /// Copies the queries of a group, multiplied by the scale, `[positions, heads, hd]`.
  private func gather(
    _ group: Group, from row: Int, _ buffers: Buffers, to q: UnsafeMutablePointer<Float>
  ) {
    let width = group.heads.count * hd
    for index in 0..<group.positions.count {
      let source = buffers.q + ((row + index) * nh + group.heads.lowerBound) * hd
      (q + index * width).update(from: source, count: width)
    }
    kernels.elementwise.scale(
      q, by: Float(configuration.scoreScale), count: group.rows * hd)
  }

  /// Divides by the sum of weights, and takes away the part along the position's own value.
  private func finish(
    _ sums: UnsafeMutablePointer<Float>, _ total: Float, row: Int, head: Int, _ buffers: Buffers
  ) {
    let y = buffers.y + (row * nh + head) * hd
    y.update(from: sums, count: hd)
    kernels.elementwise.scale(y, by: 1 / total, count: hd)
    guard configuration.isExclusive else { return }
    let v = buffers.v + (row * nkv + head / (nh / nkv)) * hd
    let along = kernels.elementwise.dot(y, v, count: hd) / kernels.elementwise.dot(v, v, count: hd)
    kernels.elementwise.add(y, v, scale: -along, count: hd)
  }
}
