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
    let chunk = kernels.deltaRule.chunk
    let group = nv / nk
    for first in stride(from: slice.rows.lowerBound, to: slice.rows.upperBound, by: chunk) {
      let rows = first..<min(first + chunk, slice.rows.upperBound)
      let q = buffers.convolution.output + first * C + keyHead * dk
      let keys = DeltaRuleKeys(
        q: FloatRows(q, stride: C), k: FloatRows(q + nk * dk, stride: C), steps: rows.count, dk: dk)
      kernels.deltaRule.pack(
        keys, epsilon: Float(configuration.unitEpsilon), scale: Float(configuration.queryScale),
        packed: scratch)
      for head in keyHead * group..<(keyHead + 1) * group {
        scan(head: head, rows, buffers, slice.recurrent(layer), scratch)
      }
    }
  }

  /// Runs the rule for the steps of one chunk and one value head.
  private func scan(
    head: Int, _ rows: Range<Int>, _ buffers: Buffers, _ state: RecurrentState,
    _ packed: UnsafeMutablePointer<Float>
  ) {
    let width = kernels.deltaRule.blockWidth
    let row = rows.lowerBound
    for block in 0..<blocks {
      let column = head * dv + block * width
      let inputs = DeltaRuleInputs(
        packed: packed,
        v: FloatRows(buffers.convolution.output + row * C + 2 * nk * dk + column, stride: C),
        gamma: FloatRows(buffers.gamma + row * nv + head, stride: nv),
        beta: FloatRows(buffers.beta + row * nv + head, stride: nv), steps: rows.count)
      kernels.deltaRule.scan(
        inputs,
        state: DeltaRuleState(
          state.matrices.pointer + (head * blocks + block) * dk * width, dk: dk,
          columns: min(width, dv - block * width)),
        o: MutableFloatRows(buffers.y + row * nv * dv + column, stride: nv * dv),
        scratch: packed + kernels.deltaRule.packedCount(dk: dk))
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
