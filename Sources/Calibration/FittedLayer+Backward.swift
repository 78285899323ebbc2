import Kernels
import Runtime

extension FittedLayer {
  /// The squared error of the segment that was run last against `memory.target`, per row.
  func squaredErrors(rows M: Int) -> [Double] {
    let H = shape.H
    return (0..<M).map { row in
      let (a, b) = (memory.output.pointer + row * H, memory.target.pointer + row * H)
      return (0..<H).reduce(0.0) { sum, c in
        let difference = Double(a[c]) - Double(b[c])
        return sum + difference * difference
      }
    }
  }

  /// The gradient of `factor · Σ (output - target)²` over the segment that was run last, in all values
  /// of the layer.
  ///
  /// Memory of the forward pass is overwritten with gradients as soon as nothing reads it any more, in this
  /// order:
  /// ```
  /// output    output → its gradient            backward
  /// weighted  weighted → its gradient          backwardOutput
  ///           → that of `normed`               backwardNorm
  /// y         y → its gradient                 backwardNorm
  /// rows      gates g → their gradient         backwardNorm
  ///           gates f → their gradient         backwardDecay
  ///           projected → its gradient         backwardConvolution
  /// mixed     after the activation → gradient before it   backwardConvolution
  /// ```
  func backward(sequences count: Int, factor: Float) {
    let M = count * length
    for index in 0..<M * shape.H {
      memory.output.pointer[index] =
        2 * factor * (memory.output.pointer[index] - memory.target.pointer[index])
    }
    backwardOutput(M)
    backwardNorm(M)
    backwardRecurrence(count)
    backwardDecay(M)
    backwardConvolution(count)
    pool.transpose(
      memory.rows.pointer, rows: M, columns: shape.R, to: memory.transposed.pointer)
    pool.multiply(
      memory.transposed.pointer, memory.x.pointer, to: gradient(.q),
      ProductShape(rows: shape.R, depth: M, columns: shape.H))
  }

  /// From the gradient of the output to those of the output projection and of `weighted`, in its place.
  private func backwardOutput(_ M: Int) {
    let (H, NV) = (shape.H, shape.NV)
    pool.transpose(memory.output.pointer, rows: M, columns: H, to: memory.transposed.pointer)
    pool.multiply(
      memory.transposed.pointer, memory.weighted.pointer, to: gradient(.o),
      ProductShape(rows: H, depth: M, columns: NV))
    pool.multiply(
      memory.output.pointer, values(.o), to: memory.weighted.pointer,
      ProductShape(rows: M, depth: H, columns: NV))
  }

  /// From the gradient of `weighted` to those of norm, gate and y, the last two in their places.
  private func backwardNorm(_ M: Int) {
    let (NV, R) = (shape.NV, shape.R)
    columnSums(
      M, NV, FloatRows(memory.weighted.pointer, stride: NV),
      FloatRows(memory.normed.pointer, stride: NV), to: gradient(.norm))
    let weight = values(.norm)
    pool.run(M, by: 16) { range in
      for row in range {
        let at = row * NV
        let (dn, normed) = (memory.weighted.pointer + at, memory.normed.pointer + at)
        let (y, gate) = (memory.y.pointer + at, memory.gate.pointer + at)
        let g = memory.rows.pointer + (row * R + shape.C + shape.N)
        let scale = memory.scale.pointer[row]
        // The norm divides by the root mean square of h = y silu(g), so that the part of the gradient along
        // the normed values does not reach h.
        kernels.elementwise.multiply(dn, by: weight, count: NV)
        let mean = kernels.elementwise.dot(dn, normed, count: NV) / Float(NV)
        for c in 0..<NV {
          let dh = scale * (dn[c] - normed[c] * mean)
          // silu(g) = g σ(g), whose derivative is σ (1 + g (1 - σ)); g and y are read before they go.
          let (value, sigmoid) = (g[c], gate[c])
          g[c] = dh * y[c] * sigmoid * (1 + value * (1 - sigmoid))
          y[c] = dh * value * sigmoid
        }
      }
    }
  }

  /// Sums `a ⊙ b` over rows, in their order.
  private func columnSums(
    _ M: Int, _ width: Int, _ a: FloatRows, _ b: FloatRows, to sums: MutableFloats
  ) {
    pool.run(width, by: 32) { range in
      for c in range { sums[c] = 0 }
      for row in 0..<M {
        for c in range { sums[c] += a[row][c] * b[row][c] }
      }
    }
  }

  /// From the gradient of y to those of D, the state weights, forget gates, and `dMixed`.
  private func backwardRecurrence(_ count: Int) {
    let s = shape
    columnSums(
      count * length, s.NV, FloatRows(memory.y.pointer, stride: s.NV),
      FloatRows(memory.mixed.pointer + 2 * s.K, stride: s.C), to: gradient(.D))
    memory.dWeights.pointer.update(repeating: 0, count: count * s.N * s.Vp * s.Vp)
    pool.run(count * s.N) { task, worker in
      backwardHead(sequence: task / s.N, head: task % s.N, worker)
    }
    sumOverHeads(count)
    sumWeights(count)
  }

  /// The gradient of queries, keys and values, `[M, C]`, in memory that is not needed for a transposed
  /// matrix before `backwardConvolution` has read it.
  var dMixed: MutableFloats { memory.transposed.pointer }

  private func backwardHead(sequence: Int, head n: Int, _ worker: Int) {
    let s = shape
    let (row, task, size) = (sequence * length, sequence * s.N + n, s.K * s.Vp)
    let inputs = inputs(sequence: sequence, head: n)
    let history = history(worker)
    history.states.update(from: memory.startStates.pointer + task * size, count: size)
    // The forward pass kept the states at the start of the segment alone: the steps are run again.
    kernels.gradients.record(inputs, weights(padded, head: n), to: history)
    let dy = FloatRows(memory.y.pointer + (row * s.NV + n * s.V), stride: s.NV)
    let gradient = MatrixRecurrenceGradient(
      q: MutableFloatRows(memory.dQueries.pointer + task * length * s.K, stride: s.K),
      k: MutableFloatRows(memory.dKeys.pointer + task * length * s.K, stride: s.K),
      v: MutableFloatRows(dMixed + (row * s.C + 2 * s.K + n * s.V), stride: s.C),
      f: MutableFloatRows(memory.dForget.pointer + (row * s.N + n), stride: s.N),
      weight: memory.dWeights.pointer + task * s.Vp * s.Vp)
    kernels.gradients.backward(
      inputs, transposed: weights(paddedTransposed, head: n), history, dy: dy, to: gradient)
    // The residual D ⊙ v goes by the recurrence, and so does its gradient.
    let D = values(.D) + n * s.V
    for t in 0..<length {
      for j in 0..<s.V { gradient.v[t][j] += dy[t][j] * D[j] }
    }
  }

  /// Queries and keys are shared: their gradients are summed over heads, in order.
  private func sumOverHeads(_ count: Int) {
    let s = shape
    pool.run(count * length, by: 16) { range in
      for row in range {
        let (sequence, t) = (row / length, row % length)
        let target = dMixed + row * s.C
        target.update(repeating: 0, count: 2 * s.K)
        for n in 0..<s.N {
          let at = ((sequence * s.N + n) * length + t) * s.K
          kernels.elementwise.add(target, memory.dQueries.pointer + at, scale: 1, count: s.K)
          kernels.elementwise.add(
            target + s.K, memory.dKeys.pointer + at, scale: 1, count: s.K)
        }
      }
    }
  }

  /// Sequences have one state weight: its gradient is summed over them, in order, without the padding.
  private func sumWeights(_ count: Int) {
    let s = shape
    let target = gradient(.weight)
    pool.run(s.N) { n, _ in
      for i in 0..<s.V {
        for j in 0..<s.V {
          target[(n * s.V + i) * s.V + j] = (0..<count).reduce(Float(0)) { sum, sequence in
            sum + memory.dWeights.pointer[((sequence * s.N + n) * s.Vp + i) * s.Vp + j]
          }
        }
      }
    }
  }
}
