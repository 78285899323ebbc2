import Kernels

extension KimiDeltaBlock {
  /// Computes the gates of one token.
  func prepare(_ row: Int, _ buffers: Buffers) {
    decay.apply(buffers.gamma + row * D)
    kernels.activations.sigmoid(buffers.beta + row * n, n, 0)
  }

  /// The values that one worker needs: a chunk of queries and keys, and what the rule needs.
  var workerScratch: Int {
    kernels.channelDeltaRule.packedCount(dk: d) + kernels.channelDeltaRule.scratchCount
  }

  /// Runs the delta rule for one sequence and one head.
  func scan(
    head: Int, _ buffers: Buffers, _ slice: Segment.Slice, layer: Int,
    scratch: UnsafeMutablePointer<Float>
  ) {
    let chunk = kernels.channelDeltaRule.chunk
    for first in stride(from: slice.rows.lowerBound, to: slice.rows.upperBound, by: chunk) {
      let rows = first..<min(first + chunk, slice.rows.upperBound)
      let q = buffers.convolution.output + first * C + head * d
      let keys = DeltaRuleKeys(
        q: FloatRows(q, stride: C), k: FloatRows(q + D, stride: C), steps: rows.count, dk: d)
      kernels.channelDeltaRule.pack(
        keys, gamma: FloatRows(buffers.gamma + first * D + head * d, stride: D),
        epsilon: Float(configuration.unitEpsilon), scale: 1 / Float(d).squareRoot(),
        packed: scratch)
      scan(head: head, rows, buffers, slice.recurrent(layer), scratch)
    }
  }

  /// Runs the rule for the steps of one chunk.
  private func scan(
    head: Int, _ rows: Range<Int>, _ buffers: Buffers, _ state: RecurrentState,
    _ packed: UnsafeMutablePointer<Float>
  ) {
    let width = kernels.channelDeltaRule.blockWidth
    let row = rows.lowerBound
    for block in 0..<blocks {
      let column = head * d + block * width
      let inputs = ChannelDeltaRuleInputs(
        packed: packed,
        v: FloatRows(buffers.convolution.output + row * C + 2 * D + column, stride: C),
        beta: FloatRows(buffers.beta + row * n + head, stride: n), steps: rows.count)
      kernels.channelDeltaRule.scan(
        inputs,
        state: DeltaRuleState(
          state.matrices.pointer + (head * blocks + block) * d * width, dk: d,
          columns: min(width, d - block * width)),
        o: MutableFloatRows(buffers.y + row * D + column, stride: D),
        scratch: packed + kernels.channelDeltaRule.packedCount(dk: d))
    }
  }

  /// Normalises the output of one token per head, then gates it.
  func finish(_ row: Int, _ buffers: Buffers) {
    let (y, gate) = (buffers.y + row * D, buffers.gate + row * D)
    for head in 0..<n { norm.apply(y + head * d, to: y + head * d) }
    kernels.activations.sigmoid(gate, D, 0)
    kernels.elementwise.multiply(y, by: gate, count: D)
  }
}
