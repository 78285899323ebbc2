import Kernels

enum Gradients: GradientKernels {
  @inline(never)
  static func record(
    _ inputs: MatrixRecurrenceInputs, _ weights: MatrixRecurrenceWeights,
    to history: MatrixRecurrenceHistory
  ) {
    let (K, Vp) = (weights.K, weights.Vp)
    let row = history.scratch
    for t in 0..<inputs.steps {
      weights.pad(inputs.v[t], row)
      let before = history.states + (t &* K &* Vp)
      let z = history.candidates + (t &* K &* Vp)
      let keys = inputs.k[t]
      for i in 0..<K {
        for column in Swift.stride(from: 0, to: Vp, by: width) {
          store(keys[i] * load(row + column), z + ((i &* Vp) &+ column))
        }
      }
      multiply(before, weights, to: z)
      let (keep, take) = (inputs.f[t][0], 1 - inputs.f[t][0])
      let after = before + (K &* Vp)
      for index in Swift.stride(from: 0, to: K &* Vp, by: width) {
        let candidate = VectorMath.tanh(load(z + index))
        store(candidate, z + index)
        store(fused(keep * load(before + index), take, candidate), after + index)
      }
    }
  }

  /// One step of the recurrence, and where what is left of its gradient goes.
  private struct Step {
    /// The state before and after, and what it moved towards, `[K, Vp]`.
    let before, after, candidate: Floats
    let forget: Float
    /// `[K]`
    let q, k: Floats
    /// The value and the gradient of the output, `[Vp]`.
    let v, dy: MutableFloats
    /// The gradient of the state, after the step and then before it, `[K, Vp]`.
    let dState: MutableFloats
    /// The gradient of what the hyperbolic tangent is taken of, `[K, Vp]`.
    let dA: MutableFloats
  }

  @inline(never)
  static func backward(
    _ inputs: MatrixRecurrenceInputs, transposed weights: MatrixRecurrenceWeights,
    _ history: MatrixRecurrenceHistory, dy: FloatRows, to gradient: MatrixRecurrenceGradient
  ) {
    let (K, V, Vp) = (weights.K, weights.V, weights.Vp)
    let row = history.scratch
    let dState = row + (2 &* Vp)
    for index in Swift.stride(from: 0, to: K &* Vp, by: width) { store(Lanes(), dState + index) }
    for t in Swift.stride(from: inputs.steps &- 1, through: 0, by: -1) {
      let before = history.states + (t &* K &* Vp)
      let step = Step(
        before: before, after: before + (K &* Vp), candidate: history.candidates + (t &* K &* Vp),
        forget: inputs.f[t][0], q: inputs.q[t], k: inputs.k[t], v: row, dy: row + Vp,
        dState: dState, dA: dState + (K &* Vp))
      weights.pad(inputs.v[t], step.v)
      weights.pad(dy[t], step.dy)
      gradient.f[t][0] = gates(step, weights, dq: gradient.q[t], dk: gradient.k[t])
      values(step, weights, to: row)
      for index in 0..<V { gradient.v[t][index] = row[index] }
      addWeights(step, weights, to: gradient.weight)
      multiply(step.dA, weights, to: dState)
    }
  }

  /// Everything of one step but the two products with matrices; returns the gradient of the gate.
  @inline(__always)
  private static func gates(
    _ step: Step, _ weights: MatrixRecurrenceWeights, dq: MutableFloats, dk: MutableFloats
  ) -> Float {
    let (Vp, f) = (weights.Vp, step.forget)
    var gate = Lanes()
    for i in 0..<weights.K {
      var (query, key) = (Lanes(), Lanes())
      for column in Swift.stride(from: 0, to: Vp, by: width) {
        let at = (i &* Vp) &+ column
        let gradient = load(step.dy + column)
        query = fused(query, gradient, load(step.after + at))
        let ds = fused(load(step.dState + at), step.q[i], gradient)
        let candidate = load(step.candidate + at)
        gate = fused(gate, ds, load(step.before + at) - candidate)
        let da = (1 - f) * ds * (1 - candidate * candidate)
        store(da, step.dA + at)
        key = fused(key, da, load(step.v + column))
        store(f * ds, step.dState + at)
      }
      dq[i] = sum(query)
      dk[i] = sum(key)
    }
    return sum(gate)
  }

  /// `dv = dAᵀ k`
  @inline(__always)
  private static func values(
    _ step: Step, _ weights: MatrixRecurrenceWeights, to dv: MutableFloats
  ) {
    let Vp = weights.Vp
    for column in Swift.stride(from: 0, to: Vp, by: width) {
      var total = Lanes()
      for i in 0..<weights.K {
        total = fused(total, step.k[i], load(step.dA + ((i &* Vp) &+ column)))
      }
      store(total, dv + column)
    }
  }

  /// `dW += Sᵀ dA`, eight rows at a time.
  @inline(__always)
  private static func addWeights(
    _ step: Step, _ weights: MatrixRecurrenceWeights, to dW: MutableFloats
  ) {
    let Vp = weights.Vp
    for first in Swift.stride(from: 0, to: weights.V, by: 8) {
      for column in Swift.stride(from: 0, to: Vp, by: width) {
        let target = dW + ((first &* Vp) &+ column)
        var sums = InlineArray<8, Lanes> { load(target + ($0 &* Vp)) }
        for i in 0..<weights.K {
          let da = load(step.dA + ((i &* Vp) &+ column))
          let values = step.before + ((i &* Vp) &+ first)
          for row in 0..<8 { sums[row] = fused(sums[row], values[row], da) }
        }
        for row in 0..<8 { store(sums[row], target + (row &* Vp)) }
      }
    }
  }

  /// `C[K, Vp] += A[K, Vp] · W[Vp, Vp]`
  @inline(__always)
  private static func multiply(
    _ a: Floats, _ weights: MatrixRecurrenceWeights, to c: MutableFloats
  ) {
    let Vp = weights.Vp
    for column in Swift.stride(from: 0, to: Vp, by: width) {
      Tile.accumulateNarrow(
        TileProduct(
          a: FloatRows(a, stride: Vp), b: FloatRows(weights.state + column, stride: Vp),
          c: MutableFloatRows(c + column, stride: Vp), rows: weights.K, depth: Vp))
    }
  }
}
