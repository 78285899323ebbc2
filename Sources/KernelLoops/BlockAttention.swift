import Kernels

enum BlockAttention: AttentionKernels {
  static var blockLength: Int { 64 }
  static var queries: Int { 6 }

  @inline(never)
  static func add(
    q: Floats, stride: Int, rows: Int, position: Int, window: Int, scale: Float, keys: Floats,
    values: Floats, firstKey: Int, hd: Int, hdp: Int, scores: MutableFloats, top: MutableFloats,
    total: MutableFloats, sums: MutableFloats
  ) {
    for index in 0..<(rows &* 64) { scores[index] = 0 }
    for panel in 0..<4 {
      // scores[rows, 16] = q[rows, hd] · keys[hd, 16]
      Tile.accumulate(
        rows: rows, q, stride, keys + (panel &* hd &* 16), 16, depth: hd, scores + (panel &* 16),
        64)
    }
    var seesAll = true
    for row in 0..<rows {
      let last = min(position &+ row &- firstKey, 63)
      let first = max(position &+ row &- window &+ 1 &- firstKey, 0)
      seesAll = seesAll && first == 0 && last == 63
      normalise(
        scores + (row &* 64), first, last, scale, hdp, top + row, total + row,
        sums + (row &* hdp))
    }
    if seesAll {
      weigh(rows, scores, values, 64, hdp, sums)
    } else {
      for row in 0..<rows {
        let last = min(position &+ row &- firstKey, 63)
        let first = max(position &+ row &- window &+ 1 &- firstKey, 0)
        if first > last { continue }
        weigh(
          1, scores + ((row &* 64) &+ first), values + (first &* hdp), last &- first &+ 1, hdp,
          sums + (row &* hdp))
      }
    }
  }

  /// `sums[rows, hdp] += p[rows, depth] · values[depth, hdp]`.
  @inline(__always)
  private static func weigh(
    _ rows: Int, _ p: Floats, _ values: Floats, _ depth: Int, _ hdp: Int, _ sums: MutableFloats
  ) {
    for column in Swift.stride(from: 0, to: hdp, by: 16) {
      Tile.accumulate(
        rows: rows, p, 64, values + column, hdp, depth: depth, sums + column, hdp)
    }
  }

  /// Turns the visible scores of a row into weights and rescales what was summed before.
  @inline(__always)
  private static func normalise(
    _ scores: MutableFloats, _ first: Int, _ last: Int, _ scale: Float, _ hdp: Int,
    _ top: MutableFloats, _ total: MutableFloats, _ sums: MutableFloats
  ) {
    if first > last { return }
    var newTop = top[0]
    for index in first...last {
      scores[index] *= scale
      if scores[index] > newTop { newTop = scores[index] }
    }
    if newTop > top[0], total[0] != 0 {
      let shrink = VectorMath.exp(Lanes(repeating: top[0] - newTop))[0]
      total[0] *= shrink
      scaleInPlace(sums, shrink, hdp)
    }
    top[0] = newTop
    let count = last &- first &+ 1
    shiftedExp(scores + first, minus: newTop, count)
    var lanes = Lanes()
    for index in Swift.stride(from: 0, to: count, by: 8) {
      lanes += load(Floats(scores + (first &+ index)), first: count &- index)
    }
    total[0] += sum(lanes)
  }
}
