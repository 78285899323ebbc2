/// What the n-gram embeddings of one layer carry from one segment of a sequence to the next.
final class NgramState {
  /// The last tokens, the newest last; separators in front of the first token.
  private(set) var tokens: [Int]
  /// The last inputs of the convolution, `[history, S·H]`.
  let tail: FloatBuffer
  private let separator: Int

  init(context: Int, separator: Int, tail: Int) throws {
    tokens = Array(repeating: separator, count: context)
    self.separator = separator
    self.tail = try FloatBuffer(tail)
  }

  private init(_ other: NgramState) throws {
    (tokens, separator) = (other.tokens, other.separator)
    tail = try other.tail.copy(first: other.tail.count)
  }

  /// A state of its own.
  func copy() throws -> NgramState { try NgramState(self) }

  /// Goes back to the empty sequence.
  func reset() {
    for index in tokens.indices { tokens[index] = separator }
    tail.pointer.update(repeating: 0, count: tail.count)
  }

  /// Takes the newest token in and forgets the oldest.
  func append(_ token: Int) {
    tokens.removeFirst()
    tokens.append(token)
  }

  /// - Units: bytes.
  var byteCount: Int { 4 * tail.count + 8 * tokens.count }
}
