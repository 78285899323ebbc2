import Kernels

extension M2RNNBlock {
  /// Runs the recurrence of one head of one sequence; head n uses group `n / (N / count)` of every input.
  func scan(
    head n: Int, _ mixed: UnsafeMutablePointer<Float>, _ buffers: Buffers, _ part: Segment.Part,
    layer: Int, _ scratch: UnsafeMutablePointer<Float>
  ) {
    func group(_ count: Int) -> Int { n / (N / count) }
    let (Nq, Nk) = (configuration.queryHeads, configuration.keyHeads)
    let row = part.rows.lowerBound
    let state = part.recurrent(layer)
    let first = mixed + row * C
    let q = first + group(Nq) * K
    let k = first + (Nq + group(Nk)) * K
    let v = first + (Nq + Nk) * K + group(configuration.valueHeads) * V
    kernels.matrixRecurrence.scan(
      state: state.matrices.pointer + n * K * Vp,
      weight: W.pointer + group(configuration.weightHeads) * Vp * Vp, q: q, k: k, v: v, stride: C,
      f: buffers.forget + row * N + n, heads: N, D: D.map { UnsafePointer($0.pointer + n * V) },
      steps: part.rows.count, K: K, V: V, z: scratch, row: scratch + K * Vp,
      y: buffers.y + row * N * V + n * V, outputStride: N * V)
  }
}
