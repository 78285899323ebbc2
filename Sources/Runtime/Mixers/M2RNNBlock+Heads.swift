import Kernels

extension M2RNNBlock {
  /// Runs the recurrence of one head of one sequence; head n uses group `n / (N / count)` of every input.
  func scan(
    head n: Int, _ buffers: Buffers, _ slice: Segment.Slice, layer: Int,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    func group(_ count: Int) -> Int { n / (N / count) }
    let (Nq, Nk) = (configuration.queryHeads, configuration.keyHeads)
    let row = slice.rows.lowerBound
    let state = slice.recurrent(layer)
    let first = buffers.convolution.output + row * C
    let q = first + group(Nq) * K
    let k = first + (Nq + group(Nk)) * K
    let v = first + (Nq + Nk) * K + group(configuration.valueHeads) * V
    let inputs = MatrixRecurrenceInputs(
      q: FloatRows(q, stride: C), k: FloatRows(k, stride: C), v: FloatRows(v, stride: C),
      f: FloatRows(buffers.forget + row * N + n, stride: N), steps: slice.rows.count)
    let weights = MatrixRecurrenceWeights(
      state: W.pointer + group(configuration.weightHeads) * Vp * Vp,
      residual: D.map { UnsafePointer($0.pointer + n * V) }, K: K, V: V)
    kernels.matrixRecurrence.scan(
      inputs, weights, state: state.matrices.pointer + n * K * Vp, scratch: scratch,
      y: MutableFloatRows(buffers.y + row * N * V + n * V, stride: N * V))
  }
}
