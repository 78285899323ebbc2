import Canonical
import Kernels
import Runtime

extension FittedLayer {
  /// Runs the next segment of some sequences; inputs stand in `memory.x`, the result in
  /// `memory.output`.
  func forward(sequences count: Int) {
    let M = count * length
    project(M)
    convolve(count)
    decay(M)
    recur(count)
    normalise(M)
    pool.transpose(
      values(.o), rows: shape.H, columns: shape.NV, to: memory.transposed.pointer)
    pool.multiply(
      memory.weighted.pointer, memory.transposed.pointer, to: memory.output.pointer,
      ProductShape(rows: M, depth: shape.NV, columns: shape.H))
  }

  private func project(_ M: Int) {
    pool.transpose(values(.q), rows: shape.R, columns: shape.H, to: memory.transposed.pointer)
    pool.multiply(
      memory.x.pointer, memory.transposed.pointer, to: memory.rows.pointer,
      ProductShape(rows: M, depth: shape.H, columns: shape.R))
  }

  private func convolve(_ count: Int) {
    let (C, R, taps, L) = (shape.C, shape.R, shape.taps, length)
    let weight = memory.transposed.pointer
    pool.transpose(values(.convQ), rows: C, columns: taps, to: weight)
    let weights = ConvolutionTaps(weight: weight, bias: nil, count: taps, channels: C)
    pool.run(count) { sequence, _ in
      let history = memory.history.pointer + sequence * (taps - 1 + L) * C
      let tail = tails.pointer + sequence * (taps - 1) * C
      history.update(from: tail, count: (taps - 1) * C)
      for t in 0..<L {
        (history + (taps - 1 + t) * C).update(
          from: memory.rows.pointer + (sequence * L + t) * R, count: C)
      }
      tail.update(from: history + L * C, count: (taps - 1) * C)
      let at = sequence * L * C
      let (before, sigmoid) = (memory.before.pointer + at, memory.sigmoid.pointer + at)
      kernels.convolution.causal(history, weights, steps: L, y: before)
      sigmoid.update(from: before, count: L * C)
      kernels.activations.sigmoid(sigmoid, L * C, 0)
      let mixed = memory.mixed.pointer + at
      for index in 0..<L * C { mixed[index] = before[index] * sigmoid[index] }
    }
  }

  private func decay(_ M: Int) {
    let (N, R, C) = (shape.N, shape.R, shape.C)
    let (logs, biases) = (values(.decay), values(.bias))
    let rates = (0..<N).map { exponential(logs[$0]) }
    pool.run(M, by: 64) { range in
      let count = range.count * N
      let softplus = memory.softplus.pointer + range.lowerBound * N
      let forget = memory.forget.pointer + range.lowerBound * N
      for (index, row) in range.enumerated() {
        for n in 0..<N {
          softplus[index * N + n] = memory.rows.pointer[row * R + C + n] + biases[n]
        }
      }
      kernels.activations.softplus(softplus, count, 0)
      for index in 0..<count { forget[index] = -rates[index % N] * softplus[index] }
      kernels.elementwise.exponential(forget, count: count)
    }
  }

  private func exponential(_ x: Float) -> Float {
    var value = x
    kernels.elementwise.exponential(&value, count: 1)
    return value
  }

  private func recur(_ count: Int) {
    let s = shape
    padWeights()
    memory.startStates.pointer.update(from: states.pointer, count: count * s.N * s.K * s.Vp)
    pool.run(count * s.N) { task, worker in
      let (sequence, n) = (task / s.N, task % s.N)
      kernels.matrixRecurrence.scan(
        inputs(sequence: sequence, head: n), weights(padded, head: n),
        state: states.pointer + task * s.K * s.Vp, scratch: scratch(worker),
        y: MutableFloatRows(
          memory.y.pointer + (sequence * length * s.NV + n * s.V), stride: s.NV))
    }
  }

  /// What one head reads of the segment of one sequence.
  func inputs(sequence: Int, head n: Int) -> MatrixRecurrenceInputs {
    let (s, row) = (shape, sequence * length)
    let mixed = memory.mixed.pointer + row * s.C
    return MatrixRecurrenceInputs(
      q: FloatRows(mixed, stride: s.C), k: FloatRows(mixed + s.K, stride: s.C),
      v: FloatRows(mixed + (2 * s.K + n * s.V), stride: s.C),
      f: FloatRows(memory.forget.pointer + (row * s.N + n), stride: s.N), steps: length)
  }

  /// The weights of one head.
  /// - Parameter state: the state weights, or the same transposed.
  func weights(_ state: FloatBuffer, head n: Int) -> MatrixRecurrenceWeights {
    let (V, Vp) = (shape.V, shape.Vp)
    return MatrixRecurrenceWeights(
      state: state.pointer + n * Vp * Vp, residual: values(.D) + n * V, K: shape.K, V: V)
  }

  private func padWeights() {
    let (V, Vp) = (shape.V, shape.Vp)
    let weight = values(.weight)
    for n in 0..<shape.N {
      for i in 0..<V {
        for j in 0..<V {
          let value = weight[(n * V + i) * V + j]
          padded.pointer[(n * Vp + i) * Vp + j] = value
          paddedTransposed.pointer[(n * Vp + j) * Vp + i] = value
        }
      }
    }
  }

  /// `normed = y silu(g) / rms`, `weighted = normed ⊙ norm`.
  private func normalise(_ M: Int) {
    let (NV, R) = (shape.NV, shape.R)
    let weight = values(.norm)
    pool.run(M, by: 16) { range in
      for row in range {
        let g = memory.rows.pointer + (row * R + shape.C + shape.N)
        let at = row * NV
        let (y, gate) = (memory.y.pointer + at, memory.gate.pointer + at)
        let (normed, weighted) = (memory.normed.pointer + at, memory.weighted.pointer + at)
        gate.update(from: g, count: NV)
        kernels.activations.sigmoid(gate, NV, 0)
        for c in 0..<NV { normed[c] = y[c] * g[c] * gate[c] }
        let square = kernels.elementwise.dot(normed, normed, count: NV) / Float(NV)
        let scale = 1 / (square + Float(M2RNN.normEpsilon)).squareRoot()
        memory.scale.pointer[row] = scale
        for c in 0..<NV {
          normed[c] *= scale
          weighted[c] = normed[c] * weight[c]
        }
      }
    }
  }
}
