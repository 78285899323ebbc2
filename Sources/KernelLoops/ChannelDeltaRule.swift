import Kernels

enum ChannelDeltaRule: ChannelDeltaRuleKernels {
  static var chunk: Int { DeltaRule.chunk }
  static var blockWidth: Int { DeltaRule.blockWidth }
  static var scratchCount: Int { DeltaRule.scratchCount }

  // Packed are, in rows of dk values filled up to whole vectors: keys and queries as they read the state
  // before the chunk, `[2 chunk]`; keys as they are written into the one after it, `[chunk]`; what is
  // left of the state itself; the key and the query of one step. Products follow, `[2 chunk, chunk]`.

  @inline(__always)
  private static func rowLength(_ dk: Int) -> Int { (dk &+ width &- 1) / width &* width }

  static func packedCount(dk: Int) -> Int {
    rowLength(dk) &* (3 &* chunk &+ 3) &+ 2 &* chunk &* chunk
  }

  @inline(never)
  static func pack(
    _ keys: DeltaRuleKeys, gamma: FloatRows, epsilon: Float, scale: Float, packed: MutableFloats
  ) {
    let length = rowLength(keys.dk)
    let readers = MutableFloatRows(packed, stride: length)
    let writers = MutableFloatRows(readers[2 &* chunk], stride: length)
    let (kept, key, query) = (writers[chunk], writers[chunk &+ 1], writers[chunk &+ 2])
    let products = writers[chunk &+ 3]
    DeltaRule.clear(key, 2 &* length)
    for index in Swift.stride(from: 0, to: length, by: width) {
      store(Lanes(repeating: 1), kept + index)
    }
    for i in 0..<keys.steps {
      toLength(1, keys.k[i], keys.dk, epsilon, target: key)
      toLength(scale, keys.q[i], keys.dk, epsilon, target: query)
      let g = gamma[i]
      multiply(kept, g, keys.dk, to: kept)
      multiply(key, kept, length, to: readers[i])
      multiply(query, kept, length, to: readers[chunk &+ i])
      let (kk, qk) = (products + (i &* chunk), products + ((chunk &+ i) &* chunk))
      for j in 0..<i {
        multiply(writers[j], g, keys.dk, to: writers[j])
        kk[j] = innerProduct(key, writers[j], length)
        qk[j] = innerProduct(query, writers[j], length)
      }
      for index in Swift.stride(from: 0, to: length, by: width) {
        store(load(key + index), writers[i] + index)
      }
      qk[i] = innerProduct(query, key, length)
    }
  }

  /// `target = length · x / √(Σx² + ε)`
  @inline(__always)
  private static func toLength(
    _ length: Float, _ x: Floats, _ count: Int, _ epsilon: Float, target: MutableFloats
  ) {
    let factor = length / (innerProduct(x, x, count) + epsilon).squareRoot()
    for index in Swift.stride(from: 0, to: count, by: width) {
      let rest = count &- index
      store(factor * load(x + index, first: rest), target + index, first: rest)
    }
  }

  /// `target = x ⊙ y`
  @inline(__always)
  private static func multiply(_ x: Floats, _ y: Floats, _ count: Int, to target: MutableFloats) {
    for index in Swift.stride(from: 0, to: count, by: width) {
      let rest = count &- index
      store(load(x + index) * load(y + index, first: rest), target + index, first: rest)
    }
  }

  @inline(never)
  static func scan(
    _ inputs: ChannelDeltaRuleInputs, state: DeltaRuleState, o: MutableFloatRows,
    scratch: MutableFloats
  ) {
    let (steps, dk) = (inputs.steps, state.dk)
    let readers = FloatRows(inputs.packed, stride: rowLength(dk))
    let writers = readers[2 &* chunk]
    let kept = writers + (chunk &* readers.stride)
    let products = kept + (3 &* readers.stride)
    let u = MutableFloatRows(scratch, stride: blockWidth)
    let w = MutableFloatRows(u[chunk], stride: blockWidth)
    let values = MutableFloatRows(w[chunk], stride: blockWidth)
    let ones = values[chunk]
    DeltaRule.clear(scratch, scratchCount)
    // Products hold the decays already.
    for j in 0..<chunk { ones[j] = 1 }
    DeltaRule.copy(inputs.v, to: values, rows: steps, state.columns)
    read(state, readers, steps: steps, to: u)
    read(state, FloatRows(readers[chunk], stride: readers.stride), steps: steps, to: w)
    for i in 0..<steps {
      let step = DeltaRule.Step(
        index: i, kept: 1, beta: inputs.beta[i][0], decays: ones, kk: products + (i &* chunk),
        qk: products + ((chunk &+ i) &* chunk))
      DeltaRule.solve(step, values[i], u, w)
    }
    DeltaRule.copy(FloatRows(w.start, stride: blockWidth), to: o, rows: steps, state.columns)
    for channel in 0..<dk {
      scaleInPlace(state.values + (channel &* blockWidth), kept[channel], blockWidth)
    }
    Tile.accumulate(
      TileProduct(
        a: FloatRows(writers, stride: 1), aStep: readers.stride,
        b: FloatRows(scratch, stride: blockWidth),
        c: MutableFloatRows(state.values, stride: blockWidth), rows: dk, depth: steps))
  }

  /// `target = X S` for the keys or the queries X of a chunk.
  @inline(__always)
  private static func read(
    _ state: DeltaRuleState, _ rows: FloatRows, steps: Int, to target: MutableFloatRows
  ) {
    Tile.accumulate(
      TileProduct(
        a: rows, b: FloatRows(state.values, stride: blockWidth), c: target, rows: steps,
        depth: state.dk))
  }
}
