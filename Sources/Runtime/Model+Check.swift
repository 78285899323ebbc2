import Canonical
import Diagnostics

extension Model {
  /// Checks everything that can be wrong about a segment, before a state is touched.
  func check(_ inputs: some Collection<Input>, _ workspace: Workspace) throws {
    if layers.contains(where: { $0.mixer == nil }) { try configuration.checkMixers() }
    try checkLength(inputs.reduce(0) { $0 + $1.tokens.count }, limit: workspace.segmentLength)
    for (tokens, state) in inputs {
      precondition(state.model === self, "the state belongs to another model")
      guard !tokens.isEmpty else {
        throw Problem(.invalid, "there are no tokens to run", remedy: "give at least one token")
      }
      try checkLength(tokens.count, limit: state.segmentLength)
      try checkVocabulary(tokens, from: state.position)
      try checkPositions(upTo: state.position + tokens.count, state)
    }
  }

  private func checkLength(_ count: Int, limit: Int) throws {
    guard count > limit else { return }
    throw Problem(
      .invalid, "the segment is too long", expected: "at most \(limit) tokens",
      found: "\(count) tokens")
  }

  private func checkVocabulary(_ tokens: ArraySlice<Int>, from start: Int) throws {
    let size = configuration.vocabulary
    guard let index = tokens.firstIndex(where: { !(0..<size).contains($0) }) else { return }
    let position = start + index - tokens.startIndex
    throw Problem(
      .invalid, "the token at position \(position) is not in the vocabulary",
      expected: "0 to \(size - 1)", found: "\(tokens[index])")
  }

  private func checkPositions(upTo end: Int, _ state: SequenceState) throws {
    if configuration.position == .learned, end > configuration.maximumPositions {
      throw Problem(
        .invalid, "the sequence is longer than the learned positions",
        expected: "at most \(configuration.maximumPositions) tokens", found: "\(end) tokens",
        remedy: "give fewer tokens")
    }
    let isBounded = layers.contains { $0.mixer?.keepsEveryPosition == true }
    guard !isBounded || end <= state.capacity else {
      throw Problem(
        .invalid, "the sequence is longer than the state's capacity",
        expected: "at most \(state.capacity) tokens", found: "\(end) tokens")
    }
  }
}
