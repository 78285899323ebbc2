import Kernels
import Runtime

extension FittedLayer {
  /// From the gradient of `f = exp(-exp(A_log) softplus(a + dt_bias))` to those of a, A_log and dt_bias.
  func backwardDecay(_ M: Int) {
    let (N, R, C) = (shape.N, shape.R, shape.C)
    let (logs, dLogs, dBiases) = (values(.decay), gradient(.decay), gradient(.bias))
    pool.run(N) { n, _ in
      var rate = logs[n]
      kernels.elementwise.exponential(&rate, count: 1)
      (dLogs[n], dBiases[n]) = (0, 0)
      for row in 0..<M {
        // With s = softplus(a + dt_bias): df/da = -exp(A_log) f s', where s' = 1 - exp(-s).
        let softplus = memory.softplus.pointer[row * N + n]
        let df = memory.dForget.pointer[row * N + n] * memory.forget.pointer[row * N + n]
        var rest = -softplus
        kernels.elementwise.exponential(&rest, count: 1)
        let da = -rate * df * (1 - rest)
        memory.rows.pointer[row * R + C + n] = da
        dBiases[n] += da
        dLogs[n] -= rate * softplus * df
      }
    }
  }

  /// From the gradient of the mixed channels to those of taps and projections.
  ///
  /// Every task has all rows of its channels, so that sums over rows need no second pass.
  func backwardConvolution(_ count: Int) {
    let (C, L, taps) = (shape.C, length, shape.taps)
    pool.run(count * L, by: 16) { range in
      for index in range.lowerBound * C..<range.upperBound * C {
        let (x, sigmoid) = (memory.before.pointer[index], memory.sigmoid.pointer[index])
        memory.mixed.pointer[index] = dMixed[index] * sigmoid * (1 + x * (1 - sigmoid))
      }
    }
    let (weight, dWeight) = (values(.convQ), gradient(.convQ))
    pool.run(C, by: 32) { range in
      for c in range {
        for tap in 0..<taps { dWeight[c * taps + tap] = 0 }
      }
      for sequence in 0..<count {
        backwardTaps(sequence, range, weight, dWeight)
      }
    }
  }

  /// The gradient of the taps, and of what they read inside the segment: inputs from before it get none.
  private func backwardTaps(
    _ sequence: Int, _ channels: Range<Int>, _ weight: Floats, _ dWeight: MutableFloats
  ) {
    let (C, R, L, taps) = (shape.C, shape.R, length, shape.taps)
    let gradient = memory.mixed.pointer + sequence * L * C
    let history = memory.history.pointer + sequence * (taps - 1 + L) * C
    for t in 0..<L {
      let target = memory.rows.pointer + (sequence * L + t) * R
      for c in channels { target[c] = 0 }
      for tap in 0..<taps {
        let from = t + taps - 1 - tap
        for c in channels {
          dWeight[c * taps + tap] += gradient[t * C + c] * history[(t + tap) * C + c]
          if from < L { target[c] += weight[c * taps + tap] * gradient[from * C + c] }
        }
      }
    }
  }
}
