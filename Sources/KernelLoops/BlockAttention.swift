import Kernels

enum BlockAttention: AttentionKernels {
  static var blockLength: Int { 64 }
  static var rows: Int { 48 }
  static var panelWidth: Int { Tile.columns }

  /// Some consecutive keys of a block.
  private struct Span {
    let first, end: Int
  }

  @inline(never)
  static func add(_ keys: AttentionKeys, _ queries: AttentionQueries, to sums: AttentionSums) {
    let (positions, heads, hdp) = (queries.positions, queries.heads, keys.hdp)
    score(keys, queries, to: sums.scores)
    // The place of the first query, and the keys of the block that every query sees.
    let place = queries.first &- keys.first
    let low = max(place &+ positions &- queries.window, 0)
    let high = max(min(place, 63) &+ 1, low)
    for index in 0..<positions {
      let at = place &+ index
      let (first, end) = (max(at &- queries.window &+ 1, 0), min(at, 63) &+ 1)
      guard first < end else { continue }
      let row = index &* heads
      for one in row..<(row &+ heads) {
        normalise(sums.row(one, hdp), Span(first: first, end: end), hdp)
      }
      let own = sums.row(row, hdp)
      weigh(keys, Span(first: first, end: min(low, end)), rows: heads, own)
      weigh(keys, Span(first: max(high, first), end: end), rows: heads, own)
    }
    weigh(keys, Span(first: low, end: high), rows: positions &* heads, sums)
  }

  /// `scores[rows, 64] = q[rows, hd] · keys[hd, 64]`, panel by panel.
  @inline(__always)
  private static func score(
    _ keys: AttentionKeys, _ queries: AttentionQueries, to scores: MutableFloats
  ) {
    let rows = queries.positions &* queries.heads
    for index in 0..<(rows &* 64) { scores[index] = 0 }
    for panel in 0..<(64 / panelWidth) {
      let column = panel &* panelWidth
      Tile.accumulate(
        TileProduct(
          a: FloatRows(queries.values, stride: keys.hd),
          b: FloatRows(keys.keys + (column &* keys.hd), stride: panelWidth),
          c: MutableFloatRows(scores + column, stride: 64), rows: rows, depth: keys.hd))
    }
  }

  /// `sums[rows, hdp] += p[rows, span] · values[span, hdp]`.
  @inline(__always)
  private static func weigh(_ keys: AttentionKeys, _ span: Span, rows: Int, _ sums: AttentionSums) {
    guard span.first < span.end else { return }
    for column in Swift.stride(from: 0, to: keys.hdp, by: panelWidth) {
      Tile.accumulate(
        TileProduct(
          a: FloatRows(sums.scores + span.first, stride: 64),
          b: FloatRows(keys.values + ((span.first &* keys.hdp) &+ column), stride: keys.hdp),
          c: MutableFloatRows(sums.values + column, stride: keys.hdp), rows: rows,
          depth: span.end &- span.first))
    }
  }

  /// Turns the visible scores of one row into weights and rescales what was summed before.
  @inline(__always)
  private static func normalise(_ row: AttentionSums, _ span: Span, _ hdp: Int) {
    let (scores, count) = (row.scores + span.first, span.end &- span.first)
    let (top, total) = (row.top, row.total)
    let newTop = largest(scores, count, top[0])
    if newTop > top[0], total[0] != 0 {
      let shrink = VectorMath.exp(Lanes(repeating: top[0] - newTop))[0]
      total[0] *= shrink
      scaleInPlace(row.values, shrink, hdp)
    }
    top[0] = newTop
    shiftedExp(scores, minus: newTop, count)
    var lanes = Lanes()
    for index in Swift.stride(from: 0, to: count, by: width) {
      lanes += load(Floats(scores + index), first: count &- index)
    }
    total[0] += sum(lanes)
  }

  /// The largest of the scores and what was the largest before; a NaN is never the largest.
  @inline(__always)
  private static func largest(_ scores: Floats, _ count: Int, _ before: Float) -> Float {
    var index = 0
    var lanes = Lanes(repeating: before)
    while index &+ width <= count {
      let next = load(scores + index)
      lanes = lanes.replacing(with: next, where: next .> lanes)
      index &+= width
    }
    var result = before
    for lane in 0..<width where lanes[lane] > result { result = lanes[lane] }
    for rest in index..<max(count, index) where scores[rest] > result { result = scores[rest] }
    return result
  }
}

extension AttentionSums {
  /// The results from a row on.
  @inline(__always)
  fileprivate func row(_ row: Int, _ hdp: Int) -> AttentionSums {
    AttentionSums(
      scores: scores + (row &* 64), top: top + row, total: total + row,
      values: values + (row &* hdp))
  }
}
