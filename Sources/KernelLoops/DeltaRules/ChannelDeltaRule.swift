import Kernels

enum ChannelDeltaRule: ChannelDeltaRuleKernels {
  static var chunk: Int { DeltaRule.chunk }
  static var blockWidth: Int { DeltaRule.blockWidth }
  static var scratchCount: Int { DeltaRule.scratchCount }

  @inline(never)
  static func scan(
    _ inputs: ChannelDeltaRuleInputs, state: DeltaRuleState, o: MutableFloatRows,
    scratch: MutableFloats
  ) {
    let (steps, dk) = (inputs.steps, state.dk)
    let packed = parts(MutableFloats(mutating: inputs.packed), dk: dk)
    let u = MutableFloatRows(scratch, stride: blockWidth)
    let w = MutableFloatRows(u[chunk], stride: blockWidth)
    let values = MutableFloatRows(w[chunk], stride: blockWidth)
    let ones = values[chunk]
    DeltaRule.clear(scratch, scratchCount)
    // Products hold the decays already.
    for j in 0..<chunk { ones[j] = 1 }
    DeltaRule.copy(inputs.v, to: values, rows: steps, state.columns)
    read(state, packed.readers, from: 0, steps: steps, to: u)
    read(state, packed.readers, from: chunk, steps: steps, to: w)
    for i in 0..<steps {
      let step = DeltaRuleStep(
        index: i, kept: 1, beta: inputs.beta[i][0], decays: ones, kk: kk(packed, i),
        qk: qk(packed, i))
      DeltaRule.solve(step, values[i], u, w)
    }
    DeltaRule.copy(FloatRows(w.start, stride: blockWidth), to: o, rows: steps, state.columns)
    Tile.accumulate(
      TileProduct(
        a: FloatRows(packed.writers.start, stride: 1), aStep: packed.length,
        b: FloatRows(scratch, stride: blockWidth),
        c: MutableFloatRows(state.values, stride: blockWidth), rows: dk, depth: steps,
        kept: packed.kept))
  }

  /// `target = X S` for the keys or the queries X of a chunk.
  @inline(__always)
  private static func read(
    _ state: DeltaRuleState, _ rows: MutableFloatRows, from first: Int, steps: Int,
    to target: MutableFloatRows
  ) {
    Tile.accumulate(
      TileProduct(
        a: FloatRows(rows[first], stride: rows.stride),
        b: FloatRows(state.values, stride: blockWidth), c: target, rows: steps, depth: state.dk))
  }
}
