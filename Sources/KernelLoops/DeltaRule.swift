import Kernels

enum DeltaRule: DeltaRuleKernels {
  static var chunk: Int { 16 }
  static var blockWidth: Int { Tile.columns }
  static var scratchCount: Int { 3 &* chunk &* blockWidth &+ chunk }

  @inline(never)
  static func scan(
    state: MutableFloats, packed: Floats, v: Floats, stride: Int, gamma: Floats, beta: Floats,
    valueHeads: Int, steps: Int, dk: Int, columns: Int, o: MutableFloats, outputStride: Int,
    scratch: MutableFloats
  ) {
    let u = scratch
    let w = u + (chunk &* blockWidth)
    let values = w + (chunk &* blockWidth)
    let decays = values + (chunk &* blockWidth)
    clear(scratch, scratchCount)
    // All rows before anything else: each may come from far away.
    copy(v, stride, to: values, blockWidth, rows: steps, columns)
    // u = K S, w = Q S
    Tile.accumulate(
      rows: steps, packed, 1, state, blockWidth, depth: dk, u, blockWidth, aStep: pair)
    Tile.accumulate(
      rows: steps, packed + chunk, 1, state, blockWidth, depth: dk, w, blockWidth, aStep: pair)
    let products = packed + (dk &* pair)
    var kept: Float = 1
    for i in 0..<steps {
      let g = gamma[i &* valueHeads]
      kept *= g
      for j in 0..<i { decays[j] *= g }
      decays[i] = 1
      solve(
        i, kept, beta[i &* valueHeads], decays, kk: products + (i &* chunk),
        qk: products + ((chunk &+ i) &* chunk), values + (i &* blockWidth), u, w)
    }
    copy(w, blockWidth, to: o, outputStride, rows: steps, columns)
    for j in 0..<steps { scaleInPlace(u + (j &* blockWidth), decays[j], blockWidth) }
    Tile.accumulate(
      rows: dk, packed, pair, u, blockWidth, depth: steps, state, blockWidth, keeping: kept)
  }

  /// Step `i` of a chunk; `u` and `w` hold Sᵀk and Sᵀq of the step before, u and o afterwards.
  @inline(__always)
  private static func solve(
    _ i: Int, _ kept: Float, _ beta: Float, _ decays: Floats, kk: Floats, qk: Floats, _ v: Floats,
    _ u: MutableFloats, _ w: MutableFloats
  ) {
    let (row, output) = (u + (i &* blockWidth), w + (i &* blockWidth))
    var u0 = load(v) - kept * load(row)
    var u1 = load(v + width) - kept * load(row + width)
    var o0 = kept * load(output)
    var o1 = kept * load(output + width)
    for j in 0..<i {
      let (x0, x1) = (load(u + (j &* blockWidth)), load(u + (j &* blockWidth &+ width)))
      let (less, more) = (-(decays[j] * kk[j]), decays[j] * qk[j])
      u0 = fused(u0, less, x0)
      u1 = fused(u1, less, x1)
      o0 = fused(o0, more, x0)
      o1 = fused(o1, more, x1)
    }
    store(beta * u0, row)
    store(beta * u1, row + width)
    store(fused(o0, qk[i], beta * u0), output)
    store(fused(o1, qk[i], beta * u1), output + width)
  }

  /// Copies the first columns of rows.
  @inline(__always)
  private static func copy(
    _ source: Floats, _ stride: Int, to target: MutableFloats, _ targetStride: Int, rows: Int,
    _ columns: Int
  ) {
    for row in 0..<rows {
      let (from, to) = (source + (row &* stride), target + (row &* targetStride))
      if columns == blockWidth {
        store(load(from), to)
        store(load(from + width), to + width)
      } else {
        for column in 0..<columns { to[column] = from[column] }
      }
    }
  }

  @inline(__always)
  static func clear(_ target: MutableFloats, _ count: Int) {
    for index in Swift.stride(from: 0, to: count, by: width) { store(Lanes(), target + index) }
  }
}
