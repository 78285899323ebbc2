import Runtime

/// How much of a model's function a change costs, measured on tokens.
public enum FunctionGap {
  /// Compares the logits of a changed model with those of the original, each prompt in one piece.
  /// - Parameter threads: 0 for all cores.
  /// - Throws: `Problem` where a prompt cannot be run.
  public static func measured(
    _ changed: Model, against original: Model, _ batch: TokenBatch, threads: Int
  ) throws -> LogitComparison {
    let expected = try ComputedOutputs(original, threads: threads)
    let workspace = try Workspace(changed, threads: threads)
    var gap = LogitComparison()
    for (row, prompt) in batch.rows.enumerated() {
      try expected.start(row: row, tokens: prompt)
      let state = try SequenceState(changed, capacity: prompt.count)
      try changed.run(prompt, state, workspace) { rows in
        gap.add(rows, try expected.next(rows.positions.count))
      }
    }
    return gap
  }
}
