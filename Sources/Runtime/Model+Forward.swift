import Canonical
import Diagnostics
import Kernels

extension Model {
  /// The next tokens of a sequence and its state.
  public typealias Input = (tokens: ArraySlice<Int>, state: SequenceState)

  /// Runs one segment of a sequence and advances its state.
  ///
  /// - Parameters:
  ///   - tokens: the tokens after those the state has seen; at most a segment.
  ///   - logits: the positions to compute logits for.
  ///   - observer: what else the caller wants to see.
  /// - Returns: the logits, `[selected positions, vocab]`, or the final hidden states where there is no
  ///   language head, `[selected positions, H]`, in memory of the workspace; valid until its next use.
  /// - Throws: `Problem` of kind `invalid` for tokens or positions that the model does not have,
  ///   `unsupported` for a mixer that Graft does not compute; then the state is as it was. After
  ///   the observer has thrown, some layers have advanced and the state has to be reset.
  @discardableResult
  public func forward(
    _ tokens: [Int], _ state: SequenceState, _ workspace: Workspace,
    logits selection: LogitsSelection = .all, observer: ForwardObserver = ForwardObserver()
  ) throws -> Rows {
    try forward(tokens[...], state, workspace, logits: selection, observer: observer)
  }

  @discardableResult
  func forward(
    _ tokens: ArraySlice<Int>, _ state: SequenceState, _ workspace: Workspace,
    logits selection: LogitsSelection, observer: ForwardObserver
  ) throws -> Rows {
    let input = CollectionOfOne<Input>((tokens, state))
    let segment = try advance(input, workspace, selection, observer)
    return logits(of: 0, selection, segment, workspace)
  }

  /// Runs the next tokens of several sequences together, so that they share a pass over the weights.
  ///
  /// Everything is computed as for each sequence alone, to the last bit but for one thing: the
  /// products of a token that goes through a matrix alone, as one may through an expert, are summed in
  /// another order than those of a token in company.
  /// - Parameter inputs: different sequences, together at most a segment.
  /// - Returns: the logits of each.
  /// - Throws: as for one sequence.
  public func forward(
    batch inputs: [Input], _ workspace: Workspace, logits selection: LogitsSelection = .all,
    observer: ForwardObserver = ForwardObserver()
  ) throws -> [Rows] {
    let segment = try advance(inputs, workspace, selection, observer)
    return inputs.indices.map { logits(of: $0, selection, segment, workspace) }
  }

  private func advance(
    _ inputs: some Collection<Input>, _ workspace: Workspace, _ selection: LogitsSelection,
    _ observer: ForwardObserver
  ) throws -> Segment {
    try check(inputs, workspace)
    let segment = makeSegment(inputs, workspace)
    let h = workspace.hidden.pointer  // [t, S·H]
    embed(inputs, segment, to: h, row: workspace.normed.pointer)
    try forEachStream(segment, h) { try observer.hidden?(0, $0) }
    for (index, layer) in layers.enumerated() {
      try layer.forward(segment, at: index, workspace) { input, output in
        guard let observe = observer.mixer else { return }
        try forEachSlice(segment, input, output) { try observe(index, $0, $1) }
      }
      try forEachStream(segment, h) { try observer.hidden?(index + 1, $0) }
    }
    for (tokens, state) in inputs { state.position += tokens.count }
    computeLogits(selection, segment, workspace)
    return segment
  }

  /// Calls `body` with the residual streams of each sequence.
  private func forEachStream(
    _ segment: Segment, _ values: UnsafePointer<Float>, _ body: (Rows) throws -> Void
  ) rethrows {
    let width = configuration.streamWidth
    for (index, slice) in segment.slices.enumerated() {
      try body(
        Rows(index, slice.positions, width: width, values + slice.rows.lowerBound * width))
    }
  }

  /// Calls `body` with what a block reads and writes of each sequence.
  private func forEachSlice(
    _ segment: Segment, _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>,
    _ body: (Rows, Rows) throws -> Void
  ) rethrows {
    let H = configuration.hidden
    for (index, slice) in segment.slices.enumerated() {
      let place = slice.rows.lowerBound * H
      try body(
        Rows(index, slice.positions, width: H, first + place),
        Rows(index, slice.positions, width: H, second + place))
    }
  }

  func makeSegment(_ inputs: some Collection<Input>, _ workspace: Workspace) -> Segment {
    workspace.slices.removeAll(keepingCapacity: true)
    var row = 0
    for (tokens, state) in inputs {
      let rows = row..<row + tokens.count
      workspace.slices.append(
        Segment.Slice(
          rows: rows, start: state.position, states: state.states, ngrams: state.ngrams,
          tokens: tokens))
      row = rows.upperBound
    }
    let (cosines, sines) = (workspace.cosines.pointer, workspace.sines.pointer)
    for table in rotary.values {
      for slice in workspace.slices {
        table.fill(
          positions: slice.positions, from: slice.rows.lowerBound, of: row, cosines: cosines,
          sines: sines)
      }
    }
    return Segment(slices: workspace.slices, cosines: cosines, sines: sines)
  }

  /// `h = (E[token] + P[position]) · scale`, in every stream
  private func embed(
    _ inputs: some Collection<Input>, _ segment: Segment, to h: UnsafeMutablePointer<Float>,
    row: UnsafeMutablePointer<Float>
  ) {
    let (H, width) = (configuration.hidden, configuration.streamWidth)
    for (input, slice) in zip(inputs, segment.slices) {
      let first = h + slice.rows.lowerBound * width
      for (index, token) in input.tokens.enumerated() {
        let target = first + index * width
        embedding.widen(row: token, columns: 0..<H, to: target)
        if let positions {
          positions.widen(row: slice.start + index, columns: 0..<H, to: row)
          kernels.elementwise.add(target, row, scale: 1, count: H)
        }
        for stream in 1..<max(configuration.streams, 1) {
          (target + stream * H).update(from: target, count: H)
        }
      }
    }
    if configuration.embeddingScale != 1 {
      kernels.elementwise.scale(
        h, by: Float(configuration.embeddingScale), count: segment.count * width)
    }
  }

  /// `logits = norm(h) · headᵀ / divisor`, or `norm(h)` where there is no language head
  func computeLogits(
    _ selection: LogitsSelection, _ segment: Segment, _ workspace: Workspace
  ) {
    let (H, vocabulary) = (configuration.hidden, configuration.vocabulary)
    let count = normalise(selection, segment, workspace)
    guard count > 0 else { return }
    let target = workspace.logits.pointer
    guard let head else {
      target.update(from: workspace.normed.pointer, count: count * H)
      return
    }
    var arena = workspace.arena
    let panels = arena.take(Operand.panelCount(tokens: count, depth: H))
    let operand = workspace.pack(
      workspace.normed.pointer, tokens: count, depth: H, panels: panels)
    workspace.multiply(operand, head, to: target)
    if configuration.logitsDivisor != 1 {
      kernels.elementwise.scale(
        target, by: Float(1 / configuration.logitsDivisor), count: count * vocabulary)
    }
  }

  /// Normalises the rows whose logits are wanted, one after the other.
  /// - Returns: how many there are.
  private func normalise(
    _ selection: LogitsSelection, _ segment: Segment, _ workspace: Workspace
  ) -> Int {
    let (H, width) = (configuration.hidden, configuration.streamWidth)
    let (h, x) = (workspace.hidden.pointer, workspace.normed.pointer)
    switch selection {
    case .none: return 0
    case .all:
      ending.apply(h, rows: segment.count, to: x, workspace)
      return segment.count
    case .last:
      for (index, slice) in segment.slices.enumerated() {
        let last = h + (slice.rows.upperBound - 1) * width
        ending.apply(last, rows: 1, to: x + index * H, workspace)
      }
      return segment.slices.count
    }
  }

  /// The logits of one of the sequences.
  func logits(
    of index: Int, _ selection: LogitsSelection, _ segment: Segment, _ workspace: Workspace
  ) -> Rows {
    let slice = segment.slices[index]
    let end = slice.positions.upperBound
    let (positions, row): (Range<Int>, Int) =
      switch selection {
      case .all: (slice.positions, slice.rows.lowerBound)
      case .last: (end - 1..<end, index)
      case .none: (end..<end, 0)
      }
    let width = configuration.outputWidth
    return Rows(index, positions, width: width, workspace.logits.pointer + row * width)
  }
}
