import Kernels

enum DeltaRule: DeltaRuleKernels {
  static var chunk: Int { 16 }
  static var blockWidth: Int { Tile.columns }
  static var scratchCount: Int { 3 &* chunk &* blockWidth &+ chunk }

  @inline(never)
  static func scan(
    _ inputs: DeltaRuleInputs, state: DeltaRuleState, o: MutableFloatRows, scratch: MutableFloats
  ) {
    let (steps, dk, columns) = (inputs.steps, state.dk, state.columns)
    let u = MutableFloatRows(scratch, stride: blockWidth)
    let w = MutableFloatRows(u[chunk], stride: blockWidth)
    let values = MutableFloatRows(w[chunk], stride: blockWidth)
    let decays = values[chunk]
    clear(scratch, scratchCount)
    // All rows before anything else: each may come from far away.
    copy(inputs.v, to: values, rows: steps, columns)
    read(state, inputs.packed, steps: steps, to: u)
    read(state, inputs.packed + chunk, steps: steps, to: w)
    // Step by step: the decays since every earlier step are products of γ, and u and o of the step follow.
    let products = inputs.packed + (dk &* pair)
    var kept: Float = 1
    for i in 0..<steps {
      let g = inputs.gamma[i][0]
      kept *= g
      for j in 0..<i { decays[j] *= g }
      decays[i] = 1
      let step = DeltaRuleStep(
        index: i, kept: kept, beta: inputs.beta[i][0], decays: decays,
        kk: products + (i &* chunk), qk: products + ((chunk &+ i) &* chunk))
      solve(step, values[i], u, w)
    }
    copy(FloatRows(w.start, stride: blockWidth), to: o, rows: steps, columns)
    // The state takes in all steps at once: S' = Γ S + Σ (Γ / Γⱼ) kⱼ uⱼᵀ.
    for j in 0..<steps { scaleInPlace(u[j], decays[j], blockWidth) }
    Tile.accumulate(
      TileProduct(
        a: FloatRows(inputs.packed, stride: pair), b: FloatRows(scratch, stride: blockWidth),
        c: MutableFloatRows(state.values, stride: blockWidth), rows: dk, depth: steps,
        keeping: kept))
  }

  /// `target = X S` for the keys or the queries X of a chunk.
  @inline(__always)
  private static func read(
    _ state: DeltaRuleState, _ packed: Floats, steps: Int, to target: MutableFloatRows
  ) {
    Tile.accumulate(
      TileProduct(
        a: FloatRows(packed, stride: 1), aStep: pair,
        b: FloatRows(state.values, stride: blockWidth), c: target, rows: steps, depth: state.dk))
  }

  /// Solves one step of a chunk; its rows of `u` and `w` hold Sᵀk and Sᵀq, u and o afterwards.
  @inline(__always)
  static func solve(
    _ step: DeltaRuleStep, _ v: Floats, _ u: MutableFloatRows, _ w: MutableFloatRows
  ) {
    let (row, output, kept) = (u[step.index], w[step.index], step.kept)
    var u0 = load(v) - kept * load(row)
    var u1 = load(v + width) - kept * load(row + width)
    var o0 = kept * load(output)
    var o1 = kept * load(output + width)
    for j in 0..<step.index {
      let (x0, x1) = (load(u[j]), load(u[j] + width))
      let (less, more) = (-(step.decays[j] * step.kk[j]), step.decays[j] * step.qk[j])
      u0 = fused(u0, less, x0)
      u1 = fused(u1, less, x1)
      o0 = fused(o0, more, x0)
      o1 = fused(o1, more, x1)
    }
    let beta = step.beta
    store(beta * u0, row)
    store(beta * u1, row + width)
    store(fused(o0, step.qk[step.index], beta * u0), output)
    store(fused(o1, step.qk[step.index], beta * u1), output + width)
  }

  /// Copies the first columns of rows.
  @inline(__always)
  static func copy(
    _ source: FloatRows, to target: MutableFloatRows, rows: Int, _ columns: Int
  ) {
    for row in 0..<rows {
      let (from, to) = (source[row], target[row])
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
