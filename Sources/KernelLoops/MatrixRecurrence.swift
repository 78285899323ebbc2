import Kernels

enum MatrixRecurrence: MatrixRecurrenceKernels {
  static var padding: Int { 16 }

  @inline(never)
  static func scan(
    state: MutableFloats, weight: Floats, q: Floats, k: Floats, v: Floats, stride: Int, f: Floats,
    heads: Int, D: Floats?, steps: Int, K: Int, V: Int, z: MutableFloats, row: MutableFloats,
    y: MutableFloats, outputStride: Int
  ) {
    let Vp = (V &+ 15) / 16 &* 16
    for t in 0..<steps {
      let at = t &* stride
      pad(v + at, V, Vp, row)
      candidate(state, weight, k + at, row, K: K, V: V, Vp: Vp, z)
      for column in Swift.stride(from: 0, to: Vp, by: 16) {
        let (y0, y1) = mix(state + column, z + column, f[t &* heads], q + at, K: K, Vp: Vp)
        store(y0, row + column)
        store(y1, row + (column &+ 8))
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
    for column in Swift.stride(from: 0, to: Vp, by: 16) {
      let v0 = load(v + column), v1 = load(v + (column &+ 8))
      for i in 0..<K {
        let target = z + ((i &* Vp) &+ column)
        store(k[i] * v0, target)
        store(k[i] * v1, target + 8)
      }
      // z[K, 16] += S[K, V] · W[V, 16]
      Tile.accumulate(rows: K, state, Vp, weight + column, Vp, depth: V, z + column, Vp)
    }
  }

  /// `S = f S + (1 - f) tanh(Z)` and `qᵀ S` for sixteen columns.
  @inline(__always)
  private static func mix(
    _ state: MutableFloats, _ z: MutableFloats, _ f: Float, _ q: Floats, K: Int, Vp: Int
  ) -> (Lanes, Lanes) {
    var y0 = Lanes(), y1 = Lanes()
    let keep = Lanes(repeating: f), take = Lanes(repeating: 1 - f)
    for i in 0..<K {
      let row = state + (i &* Vp), new = z + (i &* Vp)
      let s0 = fused(keep * load(row), take, VectorMath.tanh(load(new)))
      let s1 = fused(keep * load(row + 8), take, VectorMath.tanh(load(new + 8)))
      store(s0, row)
      store(s1, row + 8)
      y0 = fused(y0, q[i], s0)
      y1 = fused(y1, q[i], s1)
    }
    return (y0, y1)
  }
}
