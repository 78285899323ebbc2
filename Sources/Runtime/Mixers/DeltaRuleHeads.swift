import Kernels

/// The heads of a layer with a delta rule: which channels of the convolution each reads, and where its
/// states and outputs lie. Value head h reads key head `h / (valueHeads / keyHeads)`.
struct DeltaRuleHeads {
  let keyHeads: Int
  let valueHeads: Int
  let keyDim: Int
  let valueDim: Int

  /// The channels of the convolution: queries, keys, values.
  var C: Int { 2 * keyHeads * keyDim + valueHeads * valueDim }
  /// The column blocks of one head's state.
  var blocks: Int { (valueDim + width - 1) / width }
  /// The values of all states, `[valueHeads][blocks][keyDim][width]`.
  var stateCount: Int { valueHeads * blocks * keyDim * width }

  private var width: Int { kernels.deltaRule.blockWidth }

  /// What heads read and write.
  struct Places {
    let convolution: UnsafeMutablePointer<Float>  // [t, C]
    let beta: UnsafeMutablePointer<Float>  // [t, valueHeads]
    let y: UnsafeMutablePointer<Float>  // [t, valueHeads · valueDim]
  }

  /// Some columns of one head in the steps of one chunk.
  struct Block {
    let head: Int
    /// The first step's row.
    let row: Int
    let steps: Int
    let v: FloatRows
    let beta: FloatRows
    let state: DeltaRuleState
    let o: MutableFloatRows
  }

  /// Goes through one sequence, chunk by chunk: queries and keys are packed, then every block of the value heads
  /// that share them is scanned.
  func run(
    keyHead: Int, _ places: Places, _ rows: Range<Int>, _ state: RecurrentState,
    pack: (_ keys: DeltaRuleKeys, _ row: Int) -> Void, scan: (Block) -> Void
  ) {
    let chunk = kernels.deltaRule.chunk
    let group = valueHeads / keyHeads
    for row in stride(from: rows.lowerBound, to: rows.upperBound, by: chunk) {
      let steps = min(chunk, rows.upperBound - row)
      let q = places.convolution + row * C + keyHead * keyDim
      pack(
        DeltaRuleKeys(
          q: FloatRows(q, stride: C), k: FloatRows(q + keyHeads * keyDim, stride: C), steps: steps,
          dk: keyDim), row)
      for head in keyHead * group..<(keyHead + 1) * group {
        for block in 0..<blocks { scan(self.block(head, block, row, steps, places, state)) }
      }
    }
  }

  private func block(
    _ head: Int, _ block: Int, _ row: Int, _ steps: Int, _ places: Places, _ state: RecurrentState
  ) -> Block {
    let column = head * valueDim + block * width
    let values = valueHeads * valueDim
    return Block(
      head: head, row: row, steps: steps,
      v: FloatRows(places.convolution + row * C + 2 * keyHeads * keyDim + column, stride: C),
      beta: FloatRows(places.beta + row * valueHeads + head, stride: valueHeads),
      state: DeltaRuleState(
        state.matrices.pointer + (head * blocks + block) * keyDim * width, dk: keyDim,
        columns: min(width, valueDim - block * width)),
      o: MutableFloatRows(places.y + row * values + column, stride: values))
  }
}
