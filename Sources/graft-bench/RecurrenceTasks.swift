import Kernels
import Runtime

/// The recurrences of one layer over one sequence, on one thread.
enum RecurrenceTasks {
  /// Values of both signs, small enough for states to stay finite.
  private static func values(_ count: Int, _ size: Float) throws -> FloatBuffer {
    try FloatBuffer((0..<count).map { (Float($0 &* 7_919 % 1_009) / 504.5 - 1) * size })
  }

  /// M²RNN with queries and keys shared by all heads, as in the paper's models.
  static func m2rnn(heads: Int, K: Int, V: Int, steps: Int) throws -> () -> Void {
    let padding = kernels.matrixRecurrence.padding
    let Vp = (V + padding - 1) / padding * padding
    let C = 2 * K + heads * V
    let mixed = try values(steps * C, 1)
    let forget = try FloatBuffer([Float](repeating: 0.9, count: steps * heads))
    let weight = try values(heads * Vp * Vp, 0.2)
    let state = try FloatBuffer(heads * K * Vp)
    let scratch = try FloatBuffer((K + 1) * Vp)
    let y = try FloatBuffer(steps * heads * V)
    return {
      state.pointer.update(repeating: 0, count: state.count)
      for n in 0..<heads {
        let inputs = MatrixRecurrenceInputs(
          q: FloatRows(mixed.pointer, stride: C), k: FloatRows(mixed.pointer + K, stride: C),
          v: FloatRows(mixed.pointer + 2 * K + n * V, stride: C),
          f: FloatRows(forget.pointer + n, stride: heads), steps: steps)
        kernels.matrixRecurrence.scan(
          inputs,
          MatrixRecurrenceWeights(state: weight.pointer + n * Vp * Vp, residual: nil, K: K, V: V),
          state: state.pointer + n * K * Vp, scratch: scratch.pointer,
          y: MutableFloatRows(y.pointer + n * V, stride: heads * V))
      }
    }
  }

  /// The delta rule in segments of 256 steps, whose inputs are first copied to the place where
  /// the convolution would leave them; with a decay for each head, or for each channel of a key.
  static func deltaRule(heads: Int, dk: Int, dv: Int, steps: Int, byChannel: Bool) throws
    -> () -> Void
  {
    let rule = try DeltaRuleTask(heads: heads, dk: dk, dv: dv, byChannel: byChannel)
    let inputs = try values(steps * rule.C, 1)
    let segment = DeltaRuleTask.segment
    return {
      rule.restart()
      for start in stride(from: 0, to: steps, by: segment) {
        let rows = min(segment, steps - start)
        rule.mixed.pointer.update(from: inputs.pointer + start * rule.C, count: rows * rule.C)
        rule.run(rows: rows)
      }
    }
  }
}
