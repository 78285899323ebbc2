import Kernels

enum BlockAttention: AttentionKernels {
  static var blockLength: Int { 64 }
  static var rows: Int { 48 }
  static var panelWidth: Int { Tile.columns }

  @inline(never)
  static func add(
    q: Floats, positions: Int, heads: Int, first position: Int, window: Int, keys: Floats,
    values: Floats, firstKey: Int, hd: Int, hdp: Int, scores: MutableFloats, top: MutableFloats,
    total: MutableFloats, sums: MutableFloats
  ) {
    let rows = positions &* heads
    for index in 0..<(rows &* 64) { scores[index] = 0 }
    for panel in 0..<(64 / panelWidth) {
      // scores[rows, panel] = q[rows, hd] · keys[hd, panel]
      Tile.accumulate(
        rows: rows, q, hd, keys + (panel &* hd &* panelWidth), panelWidth, depth: hd,
        scores + (panel &* panelWidth), 64)
    }
    // The keys of the block that every query sees, `low ..< high`.
    let low = max(position &+ positions &- window &- firstKey, 0)
    let high = max(min(position &- firstKey, 63) &+ 1, low)
    for index in 0..<positions {
      let at = position &+ index &- firstKey
      let (first, end) = (max(at &- window &+ 1, 0), min(at, 63) &+ 1)
      guard first < end else { continue }
      let row = index &* heads
      for one in row..<(row &+ heads) {
        normalise(
          scores + ((one &* 64) &+ first), end &- first, hdp, top + one, total + one,
          sums + (one &* hdp))
      }
      let (weights, target) = (scores + (row &* 64), sums + (row &* hdp))
      weigh(heads, weights, values, first, min(low, end), hdp, target)
      weigh(heads, weights, values, max(high, first), end, hdp, target)
    }
    weigh(rows, scores, values, low, high, hdp, sums)
  }

  /// `sums[rows, hdp] += p[rows, first ..< end] · values[first ..< end, hdp]`.
  @inline(__always)
  private static func weigh(
    _ rows: Int, _ p: Floats, _ values: Floats, _ first: Int, _ end: Int, _ hdp: Int,
    _ sums: MutableFloats
  ) {
    guard first < end else { return }
    for column in Swift.stride(from: 0, to: hdp, by: panelWidth) {
      Tile.accumulate(
        rows: rows, p + first, 64, values + ((first &* hdp) &+ column), hdp, depth: end &- first,
        sums + column, hdp)
    }
  }

  /// Turns the visible scores of a row into weights and rescales what was summed before.
  @inline(__always)
  private static func normalise(
    _ scores: MutableFloats, _ count: Int, _ hdp: Int, _ top: MutableFloats,
    _ total: MutableFloats, _ sums: MutableFloats
  ) {
    let newTop = largest(scores, count, top[0])
    if newTop > top[0], total[0] != 0 {
      let shrink = VectorMath.exp(Lanes(repeating: top[0] - newTop))[0]
      total[0] *= shrink
      scaleInPlace(sums, shrink, hdp)
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
