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
    let (z, row) = (try FloatBuffer(K * Vp), try FloatBuffer(Vp))
    let y = try FloatBuffer(steps * heads * V)
    return {
      state.pointer.update(repeating: 0, count: state.count)
      for n in 0..<heads {
        kernels.matrixRecurrence.scan(
          state: state.pointer + n * K * Vp, weight: weight.pointer + n * Vp * Vp,
          q: mixed.pointer, k: mixed.pointer + K, v: mixed.pointer + 2 * K + n * V, stride: C,
          f: forget.pointer + n, heads: heads, D: nil, steps: steps, K: K, V: V, z: z.pointer,
          row: row.pointer, y: y.pointer + n * V, outputStride: heads * V)
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
      rule.pack(
        q: q, k: q + heads * dk, stride: C, steps: steps, dk: dk, epsilon: 1e-6, scale: 1,
        packed: packed.pointer)
      for block in 0..<blocks {
        let column = head * dv + block * rule.blockWidth
        rule.scan(
          state: state.pointer + (head * blocks + block) * dk * rule.blockWidth,
          packed: packed.pointer, v: mixed.pointer + row * C + 2 * heads * dk + column, stride: C,
          gamma: gates.pointer + row * heads + head, beta: gates.pointer + row * heads + head,
          valueHeads: heads, steps: steps, dk: dk,
          columns: min(rule.blockWidth, dv - block * rule.blockWidth),
          o: y.pointer + row * heads * dv + column, outputStride: heads * dv,
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
