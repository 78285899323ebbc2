import Kernels

enum MatrixRecurrence: MatrixRecurrenceKernels {
  static var padding: Int { 16 }

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
      #if V4
        if Vp == width {
          store(step(state, weight, k + at, load(row), f[t &* heads], q + at, K: K), row)
        } else {
          step(state, weight, k + at, row, f[t &* heads], q + at, K: K, V: V, Vp: Vp, z)
        }
      #else
        step(state, weight, k + at, row, f[t &* heads], q + at, K: K, V: V, Vp: Vp, z)
      #endif
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

  /// One step; `row` holds v before and `qᵀ S` afterwards.
  @inline(__always)
  private static func step(
    _ state: MutableFloats, _ weight: Floats, _ k: Floats, _ row: MutableFloats, _ f: Float,
    _ q: Floats, K: Int, V: Int, Vp: Int, _ z: MutableFloats
  ) {
    for column in Swift.stride(from: 0, to: Vp, by: width) {
      let values = load(row + column)
      for i in 0..<K { store(k[i] * values, z + ((i &* Vp) &+ column)) }
    }
    // z[K, panel] += S[K, V] · W[V, panel]
    let panel = min(Tile.columns, padding)
    for column in Swift.stride(from: 0, to: Vp, by: panel) {
      if panel == Tile.columns {
        Tile.accumulate(rows: K, state, Vp, weight + column, Vp, depth: V, z + column, Vp)
      } else {
        Tile.accumulateNarrow(rows: K, state, Vp, weight + column, Vp, depth: V, z + column, Vp)
      }
    }
    for column in Swift.stride(from: 0, to: Vp, by: width) {
      store(mix(state + column, z + column, f, q, K: K, Vp: Vp), row + column)
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

  #if V4
    /// One step where a row of S is one vector: W stays in registers, and each row of S is read and
    /// written once. Returns `qᵀ S`.
    @inline(__always)
    private static func step(
      _ state: MutableFloats, _ weight: Floats, _ k: Floats, _ v: Lanes, _ f: Float, _ q: Floats,
      K: Int
    ) -> Lanes {
      let W = InlineArray<16, Lanes> { row in load(weight + (row &* width)) }
      let keep = Lanes(repeating: f), take = Lanes(repeating: 1 - f)
      var y = Lanes()
      for i in 0..<K {
        let row = state + (i &* width)
        var even = k[i] * v, odd = Lanes()
        for j in 0..<8 {
          even = fused(even, row[2 &* j], W[2 &* j])
          odd = fused(odd, row[2 &* j &+ 1], W[2 &* j &+ 1])
        }
        let s = fused(keep * load(row), take, VectorMath.tanh(even + odd))
        store(s, row)
        y = fused(y, q[i], s)
      }
      return y
    }
  #endif
}
