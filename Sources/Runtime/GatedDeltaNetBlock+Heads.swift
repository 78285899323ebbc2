import Kernels

extension GatedDeltaNetBlock {
  /// Normalises the queries and keys of one token, and computes its gates.
  func prepare(_ row: Int, _ mixed: UnsafeMutablePointer<Float>, _ buffers: Buffers) {
    let q = mixed + row * C
    let k = q + nk * dk
    let scale = Float(configuration.queryScale)
    let epsilon = Float(configuration.unitEpsilon)
    for head in 0..<nk {
      let (qh, kh) = (q + head * dk, k + head * dk)
      kernels.norms.unitLength(qh, epsilon: epsilon, scale: scale, count: dk)
      kernels.norms.unitLength(kh, epsilon: epsilon, scale: 1, count: dk)
      buffers.qk[row * nk + head] = kernels.elementwise.dot(qh, kh, count: dk)
    }
    decay.apply(buffers.a + row * nv, groups: nv, to: buffers.gamma + row * nv)
    let beta = buffers.beta + row * nv
    kernels.activations.sigmoid(beta, nv, 0)
    if configuration.allowsNegativeEigenvalues { kernels.elementwise.scale(beta, by: 2, count: nv) }
  }

  /// Runs the gated delta rule for some columns of one value head's state of one sequence.
  func scan(
    head: Int, block: Int, _ mixed: UnsafeMutablePointer<Float>, _ buffers: Buffers,
    _ part: Segment.Part, layer: Int
  ) {
    let keyHead = head / (nv / nk)
    let width = kernels.deltaRule.blockWidth(dk: dk)
    let column = head * dv + block * width
    let row = part.rows.lowerBound
    let state = part.state.recurrent(layer)
    let q = mixed + row * C + keyHead * dk
    let k = q + nk * dk
    let v = mixed + row * C + 2 * nk * dk + column
    kernels.deltaRule.scan(
      state: state.matrices.pointer + (head * blocks + block) * dk * width, q: q, k: k, v: v,
      stride: C, qk: buffers.qk + row * nk + keyHead, keyHeads: nk,
      gamma: buffers.gamma + row * nv + head, beta: buffers.beta + row * nv + head,
      valueHeads: nv, steps: part.rows.count, dk: dk, columns: min(width, dv - block * width),
      o: buffers.y + row * nv * dv + column, outputStride: nv * dv)
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
