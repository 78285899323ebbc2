import Runtime

extension Verifier {
  /// Runs every layer on what the reference gives it, to find where a difference is made; nothing
  /// where the reference gives none.
  /// - Throws: as `compare`.
  /// - Cost: one more run of all prompts.
  func place(
    _ report: inout VerificationReport, _ expected: any ExpectedOutputs, _ tokens: TokenBatch
  ) throws {
    guard !report.layers.isEmpty, !report.isPlaced else { return }
    let isWhole = expected.hiddenCount == model.configuration.layers.count + 1
    let streams = isWhole ? expected.hiddenCount : report.layers.count
    expected.start(tokens.rows)
    for (row, prompt) in tokens.rows.enumerated() {
      let state = try SequenceState(model, capacity: prompt.count)
      for start in stride(from: 0, to: prompt.count, by: workspace.segmentLength) {
        let positions = start..<min(start + workspace.segmentLength, prompt.count)
        let segment = try expected.next([PromptBatch.Part(prompt: row, positions: positions)])[0]
        let logits = try model.forwardLayers(
          Array(prompt[positions]), on: Array(segment.hidden.prefix(streams)), state, workspace
        ) { layer, rows in
          report.layers[layer].step.add(
            rows.values, input: segment.hidden[layer], reference: segment.hidden[layer + 1])
        }
        report.head.add(logits, segment)
      }
    }
    report.isPlaced = true
  }
}
