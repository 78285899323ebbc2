import Runtime

/// Runs the prompts and adds every position to a report.
extension Verifier {
  func compare(with expected: any ExpectedOutputs, tokens: TokenBatch) throws
    -> VerificationReport
  {
    var report = try compareSegments(with: expected, tokens: tokens, progress)
    let prompts = PromptBatch(model, tokens.rows, workspace)
    // Alone, because that is how tokens are generated.
    expected.start(tokens.rows)
    for step in prompts.steps {
      let reference = try expected.next(step)
      for rows in try prompts.run(step) {
        report.add(step: rows, reference[0], row: step[0].prompt)
        progress(rows.positions.count)
      }
    }
    return report
  }

  /// Compares prompts in long segments, and every layer by itself.
  func compareSegments(
    with expected: any ExpectedOutputs, tokens: TokenBatch, _ progress: (Int) -> Void
  ) throws -> VerificationReport {
    var report = VerificationReport(model.configuration, gate: gate, against: expected)
    let prompts = PromptBatch(model, tokens.rows, workspace)
    let layers = LayerRuns(model, tokens.rows, gate, workspace)
    expected.start(tokens.rows)
    for segment in prompts.segments {
      let references = try expected.next(segment)
      let observer = ForwardObserver(hidden: { index, rows in
        report.add(stream: rows, references[rows.sequence], index)
      })
      for rows in try prompts.run(segment, observer: observer) {
        report.add(rows, references[rows.sequence], row: segment[rows.sequence].prompt)
        progress(rows.positions.count)
      }
      if !report.layers.isEmpty { try layers.run(segment, references, &report) }
    }
    return report
  }
}

extension VerificationReport {
  /// Adds a residual stream of a segment, where the expected one is known.
  fileprivate mutating func add(stream rows: Rows, _ expected: ExpectedSegment, _ index: Int) {
    guard hasStreams else { return }
    if index == 0 { return embedding.add(rows, expected, index) }
    if index <= layers.count { layers[index - 1].hidden.add(rows, expected, index) }
  }

  /// Adds the logits of a segment of a prompt.
  fileprivate mutating func add(_ rows: Rows, _ expected: ExpectedSegment, row: Int) {
    if output == .logits {
      logits.add(rows, expected, to: &positions, row: row)
    } else {
      logits.add(rows, expected)
    }
  }

  /// Adds the logits of a prompt that runs token by token.
  fileprivate mutating func add(step rows: Rows, _ expected: ExpectedSegment, row: Int) {
    if output == .logits {
      stepped.add(rows, expected, to: &steppedPositions, row: row)
    } else {
      stepped.add(rows, expected)
    }
  }
}

extension LogitComparison {
  /// Adds every position of a segment.
  mutating func add(_ rows: Rows, _ expected: ExpectedSegment) {
    forEachPosition(rows, expected) { comparison, _, logits, reference in
      comparison.add(logits, reference: reference)
    }
  }

  /// Adds every position of a segment of a prompt, to a log too.
  mutating func add(
    _ rows: Rows, _ expected: ExpectedSegment, to log: inout PositionLog, row: Int
  ) {
    forEachPosition(rows, expected) { comparison, position, logits, reference in
      let entry = comparison.add(logits, reference: reference)
      log.add(entry, row: row, position: position, logits, reference: reference)
    }
  }

  private mutating func forEachPosition(
    _ rows: Rows, _ expected: ExpectedSegment,
    _ body: (
      inout LogitComparison, _ position: Int, UnsafeBufferPointer<Float>,
      UnsafeBufferPointer<Float>
    ) -> Void
  ) {
    guard !expected.logits.isEmpty, !rows.positions.isEmpty else { return }
    let width = expected.logits.count / rows.positions.count
    let common = min(width, rows.width)
    expected.logits.withUnsafeBufferPointer { reference in
      for (index, position) in rows.positions.enumerated() {
        let row = (index * width)..<(index * width + common)
        body(
          &self, position, UnsafeBufferPointer(rebasing: rows[position][..<common]),
          UnsafeBufferPointer(rebasing: reference[row]))
      }
    }
  }
}

extension HiddenComparison {
  /// Adds one residual stream of a segment.
  mutating func add(_ rows: Rows, _ expected: ExpectedSegment, _ index: Int) {
    expected.hidden[index].withUnsafeBufferPointer { add(rows.values, reference: $0) }
  }
}
