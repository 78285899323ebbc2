import Canonical
import Diagnostics
import Kernels

/// The positions whose logits a caller wants.
public enum LogitsSelection: Sendable {
  /// Every position of a segment.
  case all
  /// The last position only.
  case last
  /// None; the state advances and observers are called.
  case none
}

extension Model {
  /// Runs one segment of a sequence and advances its state.
  ///
  /// - Parameters:
  ///   - tokens: the tokens after those the state has seen; at most a segment.
  ///   - logits: the positions to compute logits for.
  ///   - observer: what else the caller wants to see.
  /// - Returns: the logits, `[selected positions, vocab]`, in memory of the workspace; valid until
  ///   its next use.
  /// - Throws: `Problem` of kind `invalid` for tokens or positions that the model does not have,
  ///   `unsupported` for a mixer that Graft does not compute; then the state is as it was. After
  ///   the observer has thrown, some layers have advanced and the state has to be reset.
  @discardableResult
  public func forward(
    _ tokens: [Int], _ state: SequenceState, _ workspace: Workspace,
    logits selection: LogitsSelection = .all, observer: ForwardObserver = ForwardObserver()
  ) throws -> Rows {
    try check(tokens, state, workspace)
    let segment = makeSegment(tokens.count, state, workspace)
    let h = workspace.hidden.pointer  // [t, H]
    func rows(_ values: UnsafePointer<Float>) -> Rows {
      Rows(segment.positions, width: configuration.hidden, values)
    }
    embed(tokens, segment, to: h, row: workspace.normed.pointer)
    try observer.hidden?(0, rows(h))
    for (index, layer) in layers.enumerated() {
      try layer.forward(segment, state.layers[index], workspace) { input, output in
        try observer.mixer?(index, rows(input), rows(output))
      }
      try observer.hidden?(index + 1, rows(h))
    }
    state.position += tokens.count
    return computeLogits(selection, segment, workspace)
  }

  func makeSegment(_ count: Int, _ state: SequenceState, _ workspace: Workspace) -> Segment {
    let positions = state.position..<state.position + count
    let (cosines, sines) = (workspace.cosines.pointer, workspace.sines.pointer)
    for table in rotary.values {
      table.fill(positions: positions, cosines: cosines, sines: sines)
    }
    return Segment(positions: positions, cosines: cosines, sines: sines)
  }

  /// `h = (E[token] + P[position]) · scale`
  private func embed(
    _ tokens: [Int], _ segment: Segment, to h: UnsafeMutablePointer<Float>,
    row: UnsafeMutablePointer<Float>
  ) {
    let H = configuration.hidden
    for (index, token) in tokens.enumerated() {
      embedding.widen(row: token, columns: 0..<H, to: h + index * H)
    }
    if let positions {
      for (index, position) in segment.positions.enumerated() {
        positions.widen(row: position, columns: 0..<H, to: row)
        kernels.elementwise.add(h + index * H, row, scale: 1, count: H)
      }
    }
    if configuration.embeddingScale != 1 {
      kernels.elementwise.scale(h, by: Float(configuration.embeddingScale), count: tokens.count * H)
    }
  }

  /// `logits = norm(h) · headᵀ / divisor`
  func computeLogits(
    _ selection: LogitsSelection, _ segment: Segment, _ workspace: Workspace
  ) -> Rows {
    let (H, vocabulary) = (configuration.hidden, configuration.vocabulary)
    let end = segment.positions.upperBound
    let positions: Range<Int> =
      switch selection {
      case .all: segment.positions
      case .last: end - 1..<end
      case .none: end..<end
      }
    let target = workspace.logits.pointer
    guard !positions.isEmpty else { return Rows(positions, width: vocabulary, target) }
    let h = workspace.hidden.pointer + (positions.lowerBound - segment.start) * H
    let x = workspace.normed.pointer
    finalNorm.apply(h, rows: positions.count, to: x, workspace.pool)
    var arena = workspace.arena
    let panels = arena.take(Operand.panelCount(tokens: positions.count, depth: H))
    let operand = workspace.pack(x, tokens: positions.count, depth: H, panels: panels)
    workspace.multiply(operand, head, to: target)
    if configuration.logitsDivisor != 1 {
      kernels.elementwise.scale(
        target, by: Float(1 / configuration.logitsDivisor), count: positions.count * vocabulary)
    }
    return Rows(positions, width: vocabulary, target)
  }
}
