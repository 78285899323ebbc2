import Kernels

extension GatedDeltaNetBlock {
  /// Computes the gates of one token.
  func prepare(_ row: Int, _ buffers: Buffers) {
    decay.apply(buffers.a + row * nv, groups: nv, to: buffers.gamma + row * nv)
    let beta = buffers.beta + row * nv
    kernels.activations.sigmoid(beta, nv, 0)
    if configuration.allowsNegativeEigenvalues { kernels.elementwise.scale(beta, by: 2, count: nv) }
  }

  /// The values that one worker needs: a chunk of queries and keys, and what the rule needs.
  var workerScratch: Int {
    kernels.deltaRule.packedCount(dk: dk) + kernels.deltaRule.scratchCount
  }

  /// Runs the gated delta rule for one sequence and the value heads of one key head.
  func scan(
    keyHead: Int, _ buffers: Buffers, _ slice: Segment.Slice, layer: Int,
    scratch: UnsafeMutablePointer<Float>
  ) {
    let (rule, nv) = (kernels.deltaRule, nv)
    let places = DeltaRuleHeads.Places(
      convolution: buffers.convolution.output, beta: buffers.beta, y: buffers.y)
    heads.run(keyHead: keyHead, places, slice.rows, slice.recurrent(layer)) { keys, _ in
      rule.pack(
        keys, epsilon: Float(configuration.unitEpsilon), scale: Float(configuration.queryScale),
        packed: scratch)
    } scan: { block in
      let inputs = DeltaRuleInputs(
        packed: scratch, v: block.v,
        gamma: FloatRows(buffers.gamma + block.row * nv + block.head, stride: nv),
        beta: block.beta, steps: block.steps)
      rule.scan(
        inputs, state: block.state, o: block.o, scratch: scratch + rule.packedCount(dk: dk))
    }
  }

  /// Normalises the output of one token per head, with the gate before or after the norm.
  func finish(_ row: Int, _ buffers: Buffers) {
    let y = buffers.y + row * nv * dv
    let z = buffers.z + row * nv * dv
    if configuration.gate == .beforeNorm { kernels.elementwise.multiply(y, by: z, count: nv * dv) }
    for head in 0..<nv { norm.apply(y + head * dv, to: y + head * dv) }
    if configuration.gate == .afterNorm { kernels.elementwise.multiply(y, by: z, count: nv * dv) }
  }
}
