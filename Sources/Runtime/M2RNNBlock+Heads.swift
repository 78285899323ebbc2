import Kernels

extension M2RNNBlock {
  /// Runs the recurrence of one head; head n uses group `n / (N / count)` of every input.
  func scan(
    head n: Int, _ mixed: UnsafeMutablePointer<Float>, _ buffers: Buffers, _ state: RecurrentState,
    steps: Int, _ scratch: UnsafeMutablePointer<Float>
  ) {
    func group(_ count: Int) -> Int { n / (N / count) }
    let (Nq, Nk) = (configuration.queryHeads, configuration.keyHeads)
    let q = mixed + group(Nq) * K
    let k = mixed + (Nq + group(Nk)) * K
    let v = mixed + (Nq + Nk) * K + group(configuration.valueHeads) * V
    kernels.matrixRecurrence.scan(
      state: state.matrices.pointer + n * K * Vp,
      weight: W.pointer + group(configuration.weightHeads) * Vp * Vp, q: q, k: k, v: v, stride: C,
      f: buffers.forget + n, heads: N, D: D.map { UnsafePointer($0.pointer + n * V) },
      steps: steps, K: K, V: V, z: scratch, row: scratch + K * Vp, y: buffers.y + n * V,
      outputStride: N * V)
  }
}
