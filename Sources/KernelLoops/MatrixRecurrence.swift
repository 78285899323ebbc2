import Kernels

enum MatrixRecurrence: MatrixRecurrenceKernels {
  static var padding: Int { 16 }
  /// The vectors that are worked on together: a tile of the product with W.
  private static var part: Int { min(Tile.columns, padding) }

  @inline(never)
  static func scan(
    state: MutableFloats, weight: Floats, q: Floats, k: Floats, v: Floats, stride: Int, f: Floats,
    heads: Int, D: Floats?, steps: Int, K: Int, V: Int, z: MutableFloats, row: MutableFloats,
    y: MutableFloats, outputStride: Int
  ) {
    let Vp = (V &+ padding &- 1) / padding &* padding
    for t in 0..<steps {
      let at = t &* stride
      pad(v + at, V, Vp, row)
      candidate(state, weight, k + at, row, K: K, V: V, Vp: Vp, z)
      for column in Swift.stride(from: 0, to: Vp, by: width) {
        store(mix(state + column, z + column, f[t &* heads], q + at, K: K, Vp: Vp), row + column)
      }
      let target = y + (t &* outputStride)
      for index in 0..<V { target[index] = row[index] }
      if let D {
        for index in 0..<V { target[index] += v[at &+ index] * D[index] }
      }
    }
  }

  @inline(__always)
  private static func pad(_ v: Floats, _ V: Int, _ Vp: Int, _ row: MutableFloats) {
    for index in 0..<V { row[index] = v[index] }
    for index in V..<Vp { row[index] = 0 }
  }

  /// `Z = S W + k vᵀ`, before the hyperbolic tangent.
  @inline(__always)
  private static func candidate(
    _ state: MutableFloats, _ weight: Floats, _ k: Floats, _ v: MutableFloats, K: Int, V: Int,
    Vp: Int, _ z: MutableFloats
  ) {
    for column in Swift.stride(from: 0, to: Vp, by: width) {
      let values = load(v + column)
      for i in 0..<K { store(k[i] * values, z + ((i &* Vp) &+ column)) }
    }
    // z[K, part] += S[K, V] · W[V, part]
    for column in Swift.stride(from: 0, to: Vp, by: part) {
      if part == Tile.columns {
        Tile.accumulate(rows: K, state, Vp, weight + column, Vp, depth: V, z + column, Vp)
      } else {
        Tile.accumulateNarrow(rows: K, state, Vp, weight + column, Vp, depth: V, z + column, Vp)
      }
    }
  }

  /// `S = f S + (1 - f) tanh(Z)` and `qᵀ S` for the columns of one vector.
  @inline(__always)
  private static func mix(
    _ state: MutableFloats, _ z: MutableFloats, _ f: Float, _ q: Floats, K: Int, Vp: Int
  ) -> Lanes {
    var y = Lanes()
    let keep = Lanes(repeating: f), take = Lanes(repeating: 1 - f)
    for i in 0..<K {
      let row = state + (i &* Vp)
      let s = fused(keep * load(row), take, VectorMath.tanh(load(z + (i &* Vp))))
      store(s, row)
      y = fused(y, q[i], s)
    }
    return y
  }
}
