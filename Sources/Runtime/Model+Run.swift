import Canonical
import Diagnostics

extension Model {
  /// Runs a prompt of any length in segments and hands out the logits segment by segment.
  ///
  /// - Parameters:
  ///   - logits: `all` for every position, `last` for the last position of the prompt only.
  ///   - segments: the lengths of the first segments; what is left runs in full ones.
  ///   - body: called with the logits of each segment that has some.
  /// - Throws: as `forward`; and what `body` throws.
  /// - Cost: `4 · segment · vocab` bytes at a time, whatever the length of the prompt.
  public func run(
    _ tokens: [Int], _ state: SequenceState, _ workspace: Workspace,
    logits selection: LogitsSelection = .all, segments: [Int] = [],
    observer: ForwardObserver = ForwardObserver(), _ body: (_ logits: Rows) throws -> Void
  ) throws {
    guard !tokens.isEmpty else {
      throw Problem(.invalid, "there are no tokens to run", remedy: "give at least one token")
    }
    let limit = min(state.segmentLength, workspace.segmentLength)
    var lengths = segments[...]
    var start = 0
    while start < tokens.count {
      let length = min(max(lengths.popFirst() ?? limit, 1), limit, tokens.count - start)
      let isLast = start + length == tokens.count
      let wanted = selection == .last && !isLast ? .none : selection
      let rows = try forward(
        tokens[start..<start + length], state, workspace, logits: wanted, observer: observer)
      if !rows.positions.isEmpty { try body(rows) }
      start += length
    }
  }
}
