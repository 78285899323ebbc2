import Canonical
import Diagnostics

extension Model {
  /// Runs a prompt of any length in segments and hands out the logits segment by segment.
  ///
  /// - Parameters:
  ///   - logits: `all` for every position, `last` for the last position of the prompt only.
  ///   - body: called with the logits of each segment that has some.
  /// - Throws: as `forward`; and what `body` throws.
  /// - Cost: `4 · segment · vocab` bytes at a time, whatever the length of the prompt.
  public func run(
    _ tokens: [Int], _ state: SequenceState, _ workspace: Workspace,
    logits selection: LogitsSelection = .all, _ body: (_ logits: Rows) throws -> Void
  ) throws {
    try forEachSegment(of: tokens, state, workspace) { segment, isLast in
      let wanted = selection == .last && !isLast ? .none : selection
      let rows = try forward(
        segment, state, workspace, logits: wanted, observer: ForwardObserver())
      if !rows.positions.isEmpty { try body(rows) }
    }
  }

  /// Runs a prompt of any length in segments for what an observer sees of it, without logits.
  /// - Throws: as `forward`.
  public func observe(
    _ tokens: [Int], _ state: SequenceState, _ workspace: Workspace, _ observer: ForwardObserver
  ) throws {
    try forEachSegment(of: tokens, state, workspace) { segment, _ in
      try forward(segment, state, workspace, logits: .none, observer: observer)
    }
  }

  private func forEachSegment(
    of tokens: [Int], _ state: SequenceState, _ workspace: Workspace,
    _ body: (_ segment: ArraySlice<Int>, _ isLast: Bool) throws -> Void
  ) throws {
    guard !tokens.isEmpty else {
      throw Problem(.invalid, "there are no tokens to run", remedy: "give at least one token")
    }
    let limit = min(state.segmentLength, workspace.segmentLength)
    for start in stride(from: 0, to: tokens.count, by: limit) {
      let end = min(start + limit, tokens.count)
      try body(tokens[start..<end], end == tokens.count)
    }
  }
}
