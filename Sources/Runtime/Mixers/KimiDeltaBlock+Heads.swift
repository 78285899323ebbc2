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
    let (rule, D) = (kernels.channelDeltaRule, D)
    let places = DeltaRuleHeads.Places(
      convolution: buffers.convolution.output, beta: buffers.beta, y: buffers.y)
    heads.run(keyHead: head, places, slice.rows, slice.recurrent(layer)) { keys, row in
      rule.pack(
        keys, gamma: FloatRows(buffers.gamma + row * D + head * d, stride: D),
        epsilon: Float(configuration.unitEpsilon), scale: 1 / Float(d).squareRoot(),
        packed: scratch)
    } scan: { block in
      rule.scan(
        ChannelDeltaRuleInputs(
          packed: scratch, v: block.v, beta: block.beta, steps: block.steps),
        state: block.state, o: block.o, scratch: scratch + rule.packedCount(dk: d))
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
