import Kernels
import Runtime

/// The delta rule of one layer over one segment, as the blocks of the runtime call its kernels.
final class DeltaRuleTask {
  /// The steps of a segment.
  static let segment = 256

  private let heads, dk, dv: Int
  private let byChannel: Bool
  /// `[segment, C]`: queries, keys, values.
  let mixed: FloatBuffer
  private let gates, state, y, packed, scratch: FloatBuffer

  /// The channels of the convolution.
  var C: Int { heads * (2 * dk + dv) }
  private var width: Int { kernels.deltaRule.blockWidth }
  private var blocks: Int { (dv + width - 1) / width }

  /// A layer with a decay for each head, or for each channel of a key.
  init(heads: Int, dk: Int, dv: Int, byChannel: Bool) throws {
    (self.heads, self.dk, self.dv, self.byChannel) = (heads, dk, dv, byChannel)
    mixed = try FloatBuffer(Self.segment * heads * (2 * dk + dv))
    gates = try FloatBuffer([Float](repeating: 0.9, count: Self.segment * heads * dk))
    let width = kernels.deltaRule.blockWidth
    state = try FloatBuffer(heads * ((dv + width - 1) / width) * dk * width)
    y = try FloatBuffer(Self.segment * heads * dv)
    packed = try FloatBuffer(
      max(kernels.deltaRule.packedCount(dk: dk), kernels.channelDeltaRule.packedCount(dk: dk)))
    scratch = try FloatBuffer(
      max(kernels.deltaRule.scratchCount, kernels.channelDeltaRule.scratchCount))
  }

  /// Forgets everything.
  func restart() { state.pointer.update(repeating: 0, count: state.count) }

  /// Runs the first steps of the segment.
  func run(rows: Int) {
    let chunk = kernels.deltaRule.chunk
    for head in 0..<heads {
      for row in stride(from: 0, to: rows, by: chunk) {
        run(head: head, row, steps: min(chunk, rows - row))
      }
    }
  }

  private func run(head: Int, _ row: Int, steps: Int) {
    let q = mixed.pointer + row * C + head * dk
    let keys = DeltaRuleKeys(
      q: FloatRows(q, stride: C), k: FloatRows(q + heads * dk, stride: C), steps: steps, dk: dk)
    if byChannel {
      kernels.channelDeltaRule.pack(
        keys, gamma: FloatRows(gates.pointer + (row * heads + head) * dk, stride: heads * dk),
        epsilon: 1e-6, scale: 1, packed: packed.pointer)
    } else {
      kernels.deltaRule.pack(keys, epsilon: 1e-6, scale: 1, packed: packed.pointer)
    }
    for block in 0..<blocks { scan(head: head, block, row, steps: steps) }
  }

  private func scan(head: Int, _ block: Int, _ row: Int, steps: Int) {
    let column = head * dv + block * width
    let v = FloatRows(mixed.pointer + row * C + 2 * heads * dk + column, stride: C)
    let gate = FloatRows(gates.pointer + row * heads + head, stride: heads)
    let place = DeltaRuleState(
      state.pointer + (head * blocks + block) * dk * width, dk: dk,
      columns: min(width, dv - block * width))
    let o = MutableFloatRows(y.pointer + row * heads * dv + column, stride: heads * dv)
    if byChannel {
      kernels.channelDeltaRule.scan(
        ChannelDeltaRuleInputs(packed: packed.pointer, v: v, beta: gate, steps: steps),
        state: place, o: o, scratch: scratch.pointer)
    } else {
      kernels.deltaRule.scan(
        DeltaRuleInputs(packed: packed.pointer, v: v, gamma: gate, beta: gate, steps: steps),
        state: place, o: o, scratch: scratch.pointer)
    }
  }
}
