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

  /// The gated delta rule with normalised queries and keys.
  static func gdn(heads: Int, dk: Int, dv: Int, steps: Int) throws -> () -> Void {
    let width = kernels.deltaRule.blockWidth(dk: dk)
    let blocks = (dv + width - 1) / width
    let C = heads * (2 * dk + dv)
    let mixed = try values(steps * C, 1)
    let gates = try FloatBuffer([Float](repeating: 0.9, count: steps * heads))
    let state = try FloatBuffer(heads * blocks * dk * width)
    let qk = try FloatBuffer(steps * heads)
    let y = try FloatBuffer(steps * heads * dv)
    return {
      state.pointer.update(repeating: 0, count: state.count)
      for t in 0..<steps {
        for head in 0..<heads {
          let q = mixed.pointer + t * C + head * dk
          let k = q + heads * dk
          kernels.norms.unitLength(q, epsilon: 1e-6, scale: 1, count: dk)
          kernels.norms.unitLength(k, epsilon: 1e-6, scale: 1, count: dk)
          qk.pointer[t * heads + head] = kernels.elementwise.dot(q, k, count: dk)
        }
      }
      for head in 0..<heads {
        for block in 0..<blocks {
          let column = head * dv + block * width
          kernels.deltaRule.scan(
            state: state.pointer + (head * blocks + block) * dk * width,
            q: mixed.pointer + head * dk, k: mixed.pointer + (heads + head) * dk,
            v: mixed.pointer + 2 * heads * dk + column, stride: C, qk: qk.pointer + head,
            keyHeads: heads, gamma: gates.pointer + head, beta: gates.pointer + head,
            valueHeads: heads, steps: steps, dk: dk, columns: min(width, dv - block * width),
            o: y.pointer + column, outputStride: heads * dv)
        }
      }
    }
  }
}
