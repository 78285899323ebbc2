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
      let step = Step(
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

  /// What one step of a chunk is solved from.
  fileprivate struct Step {
    let index: Int
    /// The decay since the state before the chunk.
    let kept: Float
    let beta: Float
    /// The decay since each earlier step, `[chunk]`.
    let decays: Floats
    /// The products of the key and of the query with every key, `[chunk]`.
    let kk, qk: Floats
  }

  /// Solves one step of a chunk; its rows of `u` and `w` hold Sᵀk and Sᵀq, u and o afterwards.
  @inline(__always)
  fileprivate static func solve(
    _ step: Step, _ v: Floats, _ u: MutableFloatRows, _ w: MutableFloatRows
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
      let step = Decay(gamma: g, key: key, query: query, dk: keys.dk, kk: kk, qk: qk)
      var j = 0
      while j &+ 4 <= i {
        decay(4, writers, from: j, step)
        j &+= 4
      }
      while j < i {
        decay(1, writers, from: j, step)
        j &+= 1
      }
      for index in Swift.stride(from: 0, to: length, by: width) {
        store(load(key + index), writers[i] + index)
      }
      qk[i] = innerProduct(query, key, length)
    }
  }

  /// What the keys written before one step decay by, and what they are multiplied with afterwards.
  fileprivate struct Decay {
    let gamma, key, query: Floats
    let dk: Int
    /// The products of the key and of the query with every earlier key.
    let kk, qk: MutableFloats
  }

  /// Lets a few earlier keys decay, their number known to the compiler, and multiplies them with key and query of the
  /// step; several at once, because one sum would wait for itself.
  @inline(__always)
  private static func decay(
    _ count: Int, _ writers: MutableFloatRows, from first: Int, _ step: Decay
  ) {
    var (kk, qk) = (
      InlineArray<4, Lanes>(repeating: Lanes()), InlineArray<4, Lanes>(repeating: Lanes())
    )
    for index in Swift.stride(from: 0, to: step.dk, by: width) {
      let g = load(step.gamma + index, first: step.dk &- index)
      let (key, query) = (load(step.key + index), load(step.query + index))
      for row in 0..<count {
        let place = writers[first &+ row] + index
        let kept = g * load(place)
        store(kept, place)
        kk[row] = fused(kk[row], key, kept)
        qk[row] = fused(qk[row], query, kept)
      }
    }
    for row in 0..<count {
      step.kk[first &+ row] = sum(kk[row])
      step.qk[first &+ row] = sum(qk[row])
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
