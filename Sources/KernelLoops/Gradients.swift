import Kernels

enum Gradients: GradientKernels {
  @inline(never)
  static func addProduct(
    _ a: Floats, stride aStride: Int, _ b: Floats, stride bStride: Int, to c: MutableFloats,
    stride cStride: Int, rows: Int, depth: Int, columns: Int
  ) {
    var column = 0
    while column &+ Tile.columns <= columns {
      Tile.accumulate(
        rows: rows, a, aStride, b + column, bStride, depth: depth, c + column, cStride)
      column &+= Tile.columns
    }
    if column &+ width <= columns {
      Tile.accumulateNarrow(
        rows: rows, a, aStride, b + column, bStride, depth: depth, c + column, cStride)
      column &+= width
    }
    for row in 0..<rows {
      for index in column..<max(columns, column) {
        var sum = c[(row &* cStride) &+ index]
        for k in 0..<depth { sum += a[(row &* aStride) &+ k] * b[(k &* bStride) &+ index] }
        c[(row &* cStride) &+ index] = sum
      }
    }
  }

  @inline(never)
  static func record(
    weight: Floats, k: Floats, v: Floats, stride: Int, f: Floats, heads: Int, steps: Int, K: Int,
    V: Int, row: MutableFloats, states: MutableFloats, candidates: MutableFloats
  ) {
    let Vp = padded(V)
    for t in 0..<steps {
      pad(v + (t &* stride), V, Vp, row)
      let before = states + (t &* K &* Vp)
      let z = candidates + (t &* K &* Vp)
      let keys = k + (t &* stride)
      for i in 0..<K {
        for column in Swift.stride(from: 0, to: Vp, by: width) {
          store(keys[i] * load(row + column), z + ((i &* Vp) &+ column))
        }
      }
      multiply(before, weight, K: K, Vp: Vp, to: z)
      let (keep, take) = (f[t &* heads], 1 - f[t &* heads])
      let after = before + (K &* Vp)
      for index in Swift.stride(from: 0, to: K &* Vp, by: width) {
        let candidate = VectorMath.tanh(load(z + index))
        store(candidate, z + index)
        store(fused(keep * load(before + index), take, candidate), after + index)
      }
    }
  }

  @inline(never)
  static func backward(
    weight: Floats, q: Floats, k: Floats, v: Floats, stride: Int, f: Floats, heads: Int,
    steps: Int, K: Int, V: Int, states: Floats, candidates: Floats, dy: Floats, dyStride: Int,
    dState: MutableFloats, scratch: MutableFloats, dq: MutableFloats, dk: MutableFloats,
    dv: MutableFloats, dvStride: Int, df: MutableFloats, dWeight: MutableFloats
  ) {
    let Vp = padded(V)
    let (row, drow, dA) = (scratch, scratch + Vp, scratch + (2 &* Vp))
    for t in Swift.stride(from: steps &- 1, through: 0, by: -1) {
      pad(v + (t &* stride), V, Vp, row)
      pad(dy + (t &* dyStride), V, Vp, drow)
      let before = states + (t &* K &* Vp)
      let forget = f[t &* heads]
      df[t &* heads] = gates(
        before, after: before + (K &* Vp), candidates + (t &* K &* Vp), forget, row, drow,
        q + (t &* stride), K: K, Vp: Vp, dState: dState, dA: dA, dq: dq + (t &* K),
        dk: dk + (t &* K))
      values(dA, k + (t &* stride), K: K, Vp: Vp, to: drow)
      for index in 0..<V { dv[(t &* dvStride) &+ index] = drow[index] }
      weights(before, dA, K: K, V: V, Vp: Vp, to: dWeight)
      multiply(dA, weight, K: K, Vp: Vp, to: dState)
    }
  }

  /// Everything of one step but the two products with matrices; returns the gradient of the gate.
  @inline(__always)
  private static func gates(
    _ before: Floats, after: Floats, _ z: Floats, _ f: Float, _ v: Floats, _ dy: Floats,
    _ q: Floats, K: Int, Vp: Int, dState: MutableFloats, dA: MutableFloats, dq: MutableFloats,
    dk: MutableFloats
  ) -> Float {
    var gate = Lanes()
    for i in 0..<K {
      var (query, key) = (Lanes(), Lanes())
      for column in Swift.stride(from: 0, to: Vp, by: width) {
        let at = (i &* Vp) &+ column
        let gradient = load(dy + column)
        query = fused(query, gradient, load(after + at))
        let ds = fused(load(dState + at), q[i], gradient)
        let candidate = load(z + at)
        gate = fused(gate, ds, load(before + at) - candidate)
        let da = (1 - f) * ds * (1 - candidate * candidate)
        store(da, dA + at)
        key = fused(key, da, load(v + column))
        store(f * ds, dState + at)
      }
      dq[i] = sum(query)
      dk[i] = sum(key)
    }
    return sum(gate)
  }

  /// `dv = dAᵀ k`
  @inline(__always)
  private static func values(
    _ dA: Floats, _ k: Floats, K: Int, Vp: Int, to dv: MutableFloats
  ) {
    for column in Swift.stride(from: 0, to: Vp, by: width) {
      var total = Lanes()
      for i in 0..<K { total = fused(total, k[i], load(dA + ((i &* Vp) &+ column))) }
      store(total, dv + column)
    }
  }

  /// `dW += Sᵀ dA`, eight rows at a time.
  @inline(__always)
  private static func weights(
    _ state: Floats, _ dA: Floats, K: Int, V: Int, Vp: Int, to dW: MutableFloats
  ) {
    for first in Swift.stride(from: 0, to: V, by: 8) {
      for column in Swift.stride(from: 0, to: Vp, by: width) {
        let target = dW + ((first &* Vp) &+ column)
        var sums = InlineArray<8, Lanes> { load(target + ($0 &* Vp)) }
        for i in 0..<K {
          let da = load(dA + ((i &* Vp) &+ column))
          let values = state + ((i &* Vp) &+ first)
          for row in 0..<8 { sums[row] = fused(sums[row], values[row], da) }
        }
        for row in 0..<8 { store(sums[row], target + (row &* Vp)) }
      }
    }
  }

  /// `C[K, Vp] += A[K, Vp] · B[Vp, Vp]`
  @inline(__always)
  private static func multiply(
    _ a: Floats, _ b: Floats, K: Int, Vp: Int, to c: MutableFloats
  ) {
    for column in Swift.stride(from: 0, to: Vp, by: width) {
      Tile.accumulateNarrow(rows: K, a, Vp, b + column, Vp, depth: Vp, c + column, Vp)
    }
  }

  @inline(__always)
  private static func padded(_ V: Int) -> Int {
    let padding = MatrixRecurrence.padding
    return (V &+ padding &- 1) / padding &* padding
  }

  @inline(__always)
  private static func pad(_ v: Floats, _ V: Int, _ Vp: Int, _ row: MutableFloats) {
    for index in 0..<V { row[index] = v[index] }
    for index in V..<max(Vp, V) { row[index] = 0 }
  }
}
