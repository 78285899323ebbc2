import Kernels

enum MatrixRecurrence: MatrixRecurrenceKernels {
  static var padding: Int { 16 }

  /// What one step of the recurrence reads beside weights and state.
  private struct Step {
    /// `[K]`
    let q, k: Floats
    let forget: Float
  }

  @inline(never)
  static func scan(
    _ inputs: MatrixRecurrenceInputs, _ weights: MatrixRecurrenceWeights, state: MutableFloats,
    scratch: MutableFloats, y: MutableFloatRows
  ) {
    let V = weights.V
    let row = scratch + (weights.K &* weights.Vp)
    for t in 0..<inputs.steps {
      let step = Step(q: inputs.q[t], k: inputs.k[t], forget: inputs.f[t][0])
      let v = inputs.v[t]
      weights.pad(v, row)
      #if V4
        if weights.Vp == width {
          store(run(step, weights, state, load(row)), row)
        } else {
          run(step, weights, state, row, z: scratch)
        }
      #else
        run(step, weights, state, row, z: scratch)
      #endif
      let target = y[t]
      for index in 0..<V { target[index] = row[index] }
      if let D = weights.residual {
        for index in 0..<V { target[index] += v[index] * D[index] }
      }
    }
  }

  /// One step; `row` holds v before and `qᵀ S` afterwards.
  /// - Shape: `z` `[K, Vp]`.
  @inline(__always)
  private static func run(
    _ step: Step, _ weights: MatrixRecurrenceWeights, _ state: MutableFloats, _ row: MutableFloats,
    z: MutableFloats
  ) {
    let (K, Vp) = (weights.K, weights.Vp)
    for column in Swift.stride(from: 0, to: Vp, by: width) {
      let values = load(row + column)
      for i in 0..<K { store(step.k[i] * values, z + ((i &* Vp) &+ column)) }
    }
    // z[K, panel] += S[K, V] · W[V, panel]
    let panel = min(Tile.columns, padding)
    for column in Swift.stride(from: 0, to: Vp, by: panel) {
      let product = TileProduct(
        a: FloatRows(state, stride: Vp), b: FloatRows(weights.state + column, stride: Vp),
        c: MutableFloatRows(z + column, stride: Vp), rows: K, depth: weights.V)
      if panel == Tile.columns {
        Tile.accumulate(product)
      } else {
        Tile.accumulateNarrow(product)
      }
    }
    for column in Swift.stride(from: 0, to: Vp, by: width) {
      store(mix(step, weights, state + column, z + column), row + column)
    }
  }

  /// `S = f S + (1 - f) tanh(Z)` and `qᵀ S` for the columns of one vector.
  @inline(__always)
  private static func mix(
    _ step: Step, _ weights: MatrixRecurrenceWeights, _ state: MutableFloats, _ z: MutableFloats
  ) -> Lanes {
    let Vp = weights.Vp
    var y = Lanes()
    let keep = Lanes(repeating: step.forget), take = Lanes(repeating: 1 - step.forget)
    for i in 0..<weights.K {
      let row = state + (i &* Vp)
      let s = fused(keep * load(row), take, VectorMath.tanh(load(z + (i &* Vp))))
      store(s, row)
      y = fused(y, step.q[i], s)
    }
    return y
  }

  #if V4
    /// One step where a row of S is one vector: W stays in registers, and each row of S is read and
    /// written once. Returns `qᵀ S`.
    @inline(__always)
    private static func run(
      _ step: Step, _ weights: MatrixRecurrenceWeights, _ state: MutableFloats, _ v: Lanes
    ) -> Lanes {
      let W = InlineArray<16, Lanes> { row in load(weights.state + (row &* width)) }
      let keep = Lanes(repeating: step.forget), take = Lanes(repeating: 1 - step.forget)
      var y = Lanes()
      for i in 0..<weights.K {
        let row = state + (i &* width)
        var even = step.k[i] * v, odd = Lanes()
        for j in 0..<8 {
          even = fused(even, row[2 &* j], W[2 &* j])
          odd = fused(odd, row[2 &* j &+ 1], W[2 &* j &+ 1])
        }
        let s = fused(keep * load(row), take, VectorMath.tanh(even + odd))
        store(s, row)
        y = fused(y, step.q[i], s)
      }
      return y
    }
  #endif
}

extension MatrixRecurrenceWeights {
  /// V rounded up to the padding.
  @inline(__always)
  var Vp: Int {
    let padding = MatrixRecurrence.padding
    return (V &+ padding &- 1) / padding &* padding
  }

  /// Copies a row of V values and adds zeros.
  @inline(__always)
  func pad(_ v: Floats, _ row: MutableFloats) {
    for index in 0..<V { row[index] = v[index] }
    for index in V..<max(Vp, V) { row[index] = 0 }
  }
}
