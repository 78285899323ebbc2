import Canonical
import Diagnostics

extension Model {
  /// Runs every layer of one segment by itself: on a residual stream that is given, and not on what
  /// the layer before it wrote.
  ///
  /// - Parameters:
  ///   - tokens: the tokens of the segment, as for `forward`.
  ///   - streams: the input of each layer, and that of the final norm where it is wanted.
  ///     Shape `[t, H]` each.
  ///   - output: called with what each layer makes of its input, `[t, H]`.
  /// - Returns: the logits of the last stream, `[t, vocab]`; none where it is not given.
  /// - Throws: as `forward`; and what `output` throws.
  @discardableResult
  public func forwardLayers(
    _ tokens: [Int], on streams: [[Float]], _ state: SequenceState, _ workspace: Workspace,
    output: (_ layer: Int, _ rows: Rows) throws -> Void
  ) throws -> Rows {
    let input = CollectionOfOne<Input>((tokens[...], state))
    try check(input, workspace)
    precondition(streams.allSatisfy { $0.count == tokens.count * configuration.hidden })
    let segment = makeSegment(input, workspace)
    let positions = state.position..<state.position + tokens.count
    let h = workspace.hidden.pointer
    for (index, (layer, stream)) in zip(layers, streams).enumerated() {
      h.update(from: stream, count: stream.count)
      layer.forward(segment, at: index, workspace) { _, _ in }
      try output(index, Rows(0, positions, width: configuration.hidden, h))
    }
    state.position += tokens.count
    let hasLast = streams.count > layers.count
    if hasLast { h.update(from: streams[layers.count], count: streams[layers.count].count) }
    computeLogits(hasLast ? .all : .none, segment, workspace)
    return logits(of: 0, hasLast ? .all : .none, segment, workspace)
  }
}
