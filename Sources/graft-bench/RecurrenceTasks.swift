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

  /// The gated delta rule in segments of 256 steps, whose inputs are first copied to the place where
  /// the convolution would leave them.
  static func gdn(heads: Int, dk: Int, dv: Int, steps: Int) throws -> () -> Void {
    let rule = kernels.deltaRule
    let blocks = (dv + rule.blockWidth - 1) / rule.blockWidth
    let segment = 256
    let C = heads * (2 * dk + dv)
    let inputs = try values(steps * C, 1)
    let mixed = try FloatBuffer(segment * C)
    let gates = try FloatBuffer([Float](repeating: 0.9, count: segment * heads))
    let state = try FloatBuffer(heads * blocks * dk * rule.blockWidth)
    let y = try FloatBuffer(segment * heads * dv)
    let packed = try FloatBuffer(rule.packedCount(dk: dk))
    let scratch = try FloatBuffer(rule.scratchCount)

    func run(head: Int, _ row: Int, steps: Int) {
      let q = mixed.pointer + row * C + head * dk
      let keys = DeltaRuleKeys(
        q: FloatRows(q, stride: C), k: FloatRows(q + heads * dk, stride: C), steps: steps, dk: dk)
      rule.pack(keys, epsilon: 1e-6, scale: 1, packed: packed.pointer)
      let gate = FloatRows(gates.pointer + row * heads + head, stride: heads)
      for block in 0..<blocks {
        let column = head * dv + block * rule.blockWidth
        let v = mixed.pointer + row * C + 2 * heads * dk + column
        rule.scan(
          DeltaRuleInputs(
            packed: packed.pointer, v: FloatRows(v, stride: C), gamma: gate, beta: gate,
            steps: steps),
          state: DeltaRuleState(
            state.pointer + (head * blocks + block) * dk * rule.blockWidth, dk: dk,
            columns: min(rule.blockWidth, dv - block * rule.blockWidth)),
          o: MutableFloatRows(y.pointer + row * heads * dv + column, stride: heads * dv),
          scratch: scratch.pointer)
      }
    }
    return {
      state.pointer.update(repeating: 0, count: state.count)
      for start in stride(from: 0, to: steps, by: segment) {
        let rows = min(segment, steps - start)
        mixed.pointer.update(from: inputs.pointer + start * C, count: rows * C)
        for head in 0..<heads {
          for row in stride(from: 0, to: rows, by: rule.chunk) {
            run(head: head, row, steps: min(rule.chunk, rows - row))
          }
        }
      }
    }
  }
}
