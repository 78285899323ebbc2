import Canonical
import Diagnostics

extension Model {
  /// Runs one layer of one segment by itself: on a residual stream that is given, and not on what the
  /// layer before it wrote.
  ///
  /// The state of the layer goes on; the position stays until `SequenceState.advance` is called, so that
  /// any layers can run at it.
  /// - Parameters:
  ///   - tokens: the tokens of the segment, as for `forward`.
  ///   - stream: the input of the layer. Shape `[t, S·H]`.
  /// - Returns: what the layer makes of it, `[t, S·H]`, in memory of the workspace; valid until its next
  ///   use.
  /// - Throws: as `forward`.
  public func forward(
    layer index: Int, _ tokens: [Int], on stream: [Float], _ state: SequenceState,
    _ workspace: Workspace
  ) throws -> Rows {
    let segment = try segment(tokens, on: stream, state, workspace)
    try layers[index].forward(segment, at: index, workspace) { _, _ in }
    return Rows(
      0, segment.slices[0].positions, width: configuration.streamWidth, workspace.hidden.pointer)
  }

  /// The logits of a residual stream that is given.
  /// - Parameters:
  ///   - tokens: the tokens of the segment, as for `forward`.
  ///   - stream: the input of the final norm. Shape `[t, S·H]`.
  /// - Returns: the logits, `[t, vocab]`, in memory of the workspace; valid until its next use.
  /// - Throws: as `forward`.
  public func logits(
    _ tokens: [Int], on stream: [Float], _ state: SequenceState, _ workspace: Workspace
  ) throws -> Rows {
    let segment = try segment(tokens, on: stream, state, workspace)
    computeLogits(.all, segment, workspace)
    return logits(of: 0, .all, segment, workspace)
  }

  private func segment(
    _ tokens: [Int], on stream: [Float], _ state: SequenceState, _ workspace: Workspace
  ) throws -> Segment {
    let input = CollectionOfOne<Input>((tokens[...], state))
    try check(input, workspace)
    precondition(stream.count == tokens.count * configuration.streamWidth)
    workspace.hidden.pointer.update(from: stream, count: stream.count)
    return makeSegment(input, workspace)
  }
}
