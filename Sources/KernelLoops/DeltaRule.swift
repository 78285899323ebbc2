import Kernels

enum DeltaRule: DeltaRuleKernels {
  private typealias Row = InlineArray<4, Lanes>

  /// What a block of columns may take of the first cache.
  /// - Units: bytes.
  #if V4
    private static var limit: Int { 32 << 10 }
  #else
    private static var limit: Int { 16 << 10 }
  #endif

  /// The vectors of a block: as many as registers allow, or half of them.
  @inline(__always)
  private static func parts(_ dk: Int) -> Int { 4 &* width &* dk &* 4 <= limit ? 4 : 2 }

  static func blockWidth(dk: Int) -> Int { parts(dk) &* width }

  @inline(never)
  static func scan(
    state: MutableFloats, q: Floats, k: Floats, v: Floats, stride: Int, qk: Floats, keyHeads: Int,
    gamma: Floats, beta: Floats, valueHeads: Int, steps: Int, dk: Int, columns: Int,
    o: MutableFloats, outputStride: Int
  ) {
    if parts(dk) == 4 {
      run(
        4, state, q, k, v, stride, qk, keyHeads, gamma, beta, valueHeads, steps, dk, columns, o,
        outputStride)
    } else {
      run(
        2, state, q, k, v, stride, qk, keyHeads, gamma, beta, valueHeads, steps, dk, columns, o,
        outputStride)
    }
  }

  /// The scan for a number of vectors known to the compiler.
  @inline(__always)
  private static func run(
    _ parts: Int, _ state: MutableFloats, _ q: Floats, _ k: Floats, _ v: Floats, _ stride: Int,
    _ qk: Floats, _ keyHeads: Int, _ gamma: Floats, _ beta: Floats, _ valueHeads: Int,
    _ steps: Int, _ dk: Int, _ columns: Int, _ o: MutableFloats, _ outputStride: Int
  ) {
    // u = kᵀS and w = qᵀS of the step to come
    var u = Row(repeating: Lanes())
    var w = Row(repeating: Lanes())
    for i in 0..<dk {
      for part in 0..<parts {
        let s = load(state + ((i &* parts &* width) &+ (part &* width)))
        u[part] = fused(u[part], k[i], s)
        w[part] = fused(w[part], q[i], s)
      }
    }
    for t in 0..<steps {
      let at = t &* stride
      let (g, b, qkt) = (gamma[t &* valueHeads], beta[t &* valueHeads], qk[t &* keyHeads])
      let target = o + (t &* outputStride)
      var delta = Row(repeating: Lanes())
      for part in 0..<parts {
        let rest = columns &- (part &* width)
        let d = b * (load(v + (at &+ (part &* width)), first: rest) - g * u[part])
        store(fused(g * w[part], qkt, d), target + (part &* width), first: rest)
        delta[part] = d
      }
      let next = t &+ 1 < steps ? at &+ stride : at
      update(parts, state, g, k + at, delta, nextK: k + next, nextQ: q + next, dk: dk, &u, &w)
    }
  }

  /// `S = γ S + k δᵀ`, and the products of the next step with the new state.
  @inline(__always)
  private static func update(
    _ parts: Int, _ state: MutableFloats, _ gamma: Float, _ k: Floats, _ delta: Row, nextK: Floats,
    nextQ: Floats, dk: Int, _ u: inout Row, _ w: inout Row
  ) {
    var (nextU, nextW) = (Row(repeating: Lanes()), Row(repeating: Lanes()))
    let g = Lanes(repeating: gamma)
    for i in 0..<dk {
      let row = state + (i &* parts &* width)
      for part in 0..<parts {
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
