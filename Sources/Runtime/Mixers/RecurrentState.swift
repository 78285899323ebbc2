/// What a recurrent mixer carries from one segment to the next.
final class RecurrentState: MixerState {
  /// The last inputs of the convolution, `[taps - 1, channels]`.
  let tail: FloatBuffer
  /// The matrix states of all heads, in the blocks that the kernel reads.
  let matrices: FloatBuffer

  init(tail: Int, matrices: Int) throws {
    self.tail = try FloatBuffer(tail)
    self.matrices = try FloatBuffer(matrices)
  }

  private init(tail: FloatBuffer, matrices: FloatBuffer) {
    self.tail = tail
    self.matrices = matrices
  }

  func copy(position: Int) throws -> RecurrentState {
    RecurrentState(
      tail: try tail.copy(first: tail.count), matrices: try matrices.copy(first: matrices.count))
  }

  func reset() {
    tail.pointer.update(repeating: 0, count: tail.count)
    matrices.pointer.update(repeating: 0, count: matrices.count)
  }

  /// - Units: bytes.
  var byteCount: Int { 4 * (tail.count + matrices.count) }
}

extension Segment.Slice {
  /// The state of a recurrent layer.
  func recurrent(_ layer: Int) -> RecurrentState {
    guard let state = states[layer] as? RecurrentState else { preconditionFailure("no recurrence") }
    return state
  }
}
