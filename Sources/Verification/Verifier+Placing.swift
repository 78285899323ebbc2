import Runtime

extension Verifier {
  /// Runs every layer on what the reference gives it, to find where a difference is made.
  /// - Throws: as `compare`.
  /// - Cost: one more run of all prompts.
  func place(
    _ report: inout VerificationReport, _ expected: any ExpectedOutputs, _ tokens: TokenBatch
  ) throws {
    for (row, prompt) in tokens.rows.enumerated() {
      try expected.start(row: row, tokens: prompt)
      let state = try SequenceState(model, capacity: prompt.count)
      for start in stride(from: 0, to: prompt.count, by: workspace.segmentLength) {
        let part = Array(prompt[start..<min(start + workspace.segmentLength, prompt.count)])
        let segment = try expected.next(part.count)
        let logits = try model.forwardLayers(part, on: segment.hidden, state, workspace) {
          layer, rows in
          report.layers[layer].step.add(
            rows.values, input: segment.hidden[layer], reference: segment.hidden[layer + 1])
        }
        report.head.add(logits, segment)
      }
    }
    report.isPlaced = true
  }
}
