import Kernels

enum DeltaRule: DeltaRuleKernels {
  static var blockWidth: Int { 16 }

  @inline(never)
  static func scan(
    state: MutableFloats, q: Floats, k: Floats, v: Floats, stride: Int, qk: Floats, keyHeads: Int,
    gamma: Floats, beta: Floats, valueHeads: Int, steps: Int, dk: Int, columns: Int,
    o: MutableFloats, outputStride: Int
  ) {
    let rest = columns &- 8
    var (u0, u1, w0, w1) = products(state, k: k, q: q, dk: dk)
    for t in 0..<steps {
      let at = t &* stride
      let g = gamma[t &* valueHeads]
      let b = beta[t &* valueHeads]
      let d0 = b * (load(v + at, first: columns) - g * u0)
      let d1 = b * (load(v + (at &+ 8), first: rest) - g * u1)
      let qkt = qk[t &* keyHeads]
      let target = o + (t &* outputStride)
      store(fused(g * w0, qkt, d0), target, first: columns)
      store(fused(g * w1, qkt, d1), target + 8, first: rest)
      let next = t &+ 1 < steps ? at &+ stride : at
      (u0, u1, w0, w1) = update(
        state, gamma: g, k: k + at, d0, d1, nextK: k + next, nextQ: q + next, dk: dk)
    }
  }

  /// `kᵀS` and `qᵀS`, two vectors each.
  @inline(__always)
  private static func products(_ state: MutableFloats, k: Floats, q: Floats, dk: Int)
    -> (Lanes, Lanes, Lanes, Lanes)
  {
    var u0 = Lanes(), u1 = Lanes(), w0 = Lanes(), w1 = Lanes()
    for i in 0..<dk {
      let s0 = load(state + (i &* 16)), s1 = load(state + ((i &* 16) &+ 8))
      u0 = fused(u0, k[i], s0)
      u1 = fused(u1, k[i], s1)
      w0 = fused(w0, q[i], s0)
      w1 = fused(w1, q[i], s1)
    }
    return (u0, u1, w0, w1)
  }

  /// `S = γ S + k δᵀ`, and the products of the next step with the new state.
  @inline(__always)
  private static func update(
    _ state: MutableFloats, gamma: Float, k: Floats, _ d0: Lanes, _ d1: Lanes, nextK: Floats,
    nextQ: Floats, dk: Int
  ) -> (Lanes, Lanes, Lanes, Lanes) {
    var u0 = Lanes(), u1 = Lanes(), w0 = Lanes(), w1 = Lanes()
    let g = Lanes(repeating: gamma)
    for i in 0..<dk {
      let row = state + (i &* 16)
      let s0 = fused(g * load(row), k[i], d0)
      let s1 = fused(g * load(row + 8), k[i], d1)
      store(s0, row)
      store(s1, row + 8)
      u0 = fused(u0, nextK[i], s0)
      u1 = fused(u1, nextK[i], s1)
      w0 = fused(w0, nextQ[i], s0)
      w1 = fused(w1, nextQ[i], s1)
    }
    return (u0, u1, w0, w1)
  }
}
