import Kernels

enum DeltaRule: DeltaRuleKernels {
  #if V4 || arch(arm64)
    private typealias Row = InlineArray<4, Lanes>
  #else
    private typealias Row = InlineArray<2, Lanes>
  #endif

  static var blockWidth: Int { Row.count &* width }

  @inline(never)
  static func scan(
    state: MutableFloats, q: Floats, k: Floats, v: Floats, stride: Int, qk: Floats, keyHeads: Int,
    gamma: Floats, beta: Floats, valueHeads: Int, steps: Int, dk: Int, columns: Int,
    o: MutableFloats, outputStride: Int
  ) {
    // u = kᵀS and w = qᵀS of the step to come
    var u = Row(repeating: Lanes())
    var w = Row(repeating: Lanes())
    for i in 0..<dk {
      for part in 0..<Row.count {
        let s = load(state + ((i &* blockWidth) &+ (part &* width)))
        u[part] = fused(u[part], k[i], s)
        w[part] = fused(w[part], q[i], s)
      }
    }
    for t in 0..<steps {
      let at = t &* stride
      let (g, b, qkt) = (gamma[t &* valueHeads], beta[t &* valueHeads], qk[t &* keyHeads])
      let target = o + (t &* outputStride)
      var delta = Row(repeating: Lanes())
      for part in 0..<Row.count {
        let rest = columns &- (part &* width)
        let d = b * (load(v + (at &+ (part &* width)), first: rest) - g * u[part])
        store(fused(g * w[part], qkt, d), target + (part &* width), first: rest)
        delta[part] = d
      }
      let next = t &+ 1 < steps ? at &+ stride : at
      update(state, g, k + at, delta, nextK: k + next, nextQ: q + next, dk: dk, &u, &w)
    }
  }

  /// `S = γ S + k δᵀ`, and the products of the next step with the new state.
  @inline(__always)
  private static func update(
    _ state: MutableFloats, _ gamma: Float, _ k: Floats, _ delta: Row, nextK: Floats,
    nextQ: Floats, dk: Int, _ u: inout Row, _ w: inout Row
  ) {
    var (nextU, nextW) = (Row(repeating: Lanes()), Row(repeating: Lanes()))
    let g = Lanes(repeating: gamma)
    for i in 0..<dk {
      let row = state + (i &* blockWidth)
      for part in 0..<Row.count {
        let s = fused(g * load(row + (part &* width)), k[i], delta[part])
        store(s, row + (part &* width))
        nextU[part] = fused(nextU[part], nextK[i], s)
        nextW[part] = fused(nextW[part], nextQ[i], s)
      }
    }
    u = nextU
    w = nextW
  }
}
