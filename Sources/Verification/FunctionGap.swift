import Runtime

/// How much of a model's function a change costs, measured on tokens.
public struct FunctionGap: Sendable {
  /// The logits of the changed model against those of the original.
  public private(set) var logits = LogitComparison()
  /// How well the original predicts the tokens.
  public private(set) var before = Score()
  /// How well the changed model predicts them.
  public private(set) var after = Score()
  /// What the mixer of one layer writes, against that of the original.
  public private(set) var mixer = RelativeError()

  /// Runs both models over every prompt, each in one piece.
  /// - Parameters:
  ///   - layer: the layer whose mixers are compared; what it reads differs too where an earlier one has
  ///     changed.
  ///   - threads: 0 for all cores.
  /// - Throws: `Problem` where a prompt cannot be run.
  public init(
    _ changed: Model, against original: Model, _ batch: TokenBatch, layer: Int, threads: Int
  ) throws {
    let expected = try ComputedOutputs(original, mixerOf: layer, threads: threads)
    let workspace = try Workspace(changed, threads: threads)
    for (row, prompt) in batch.rows.enumerated() {
      let targets = batch.targets(row: row)
      try expected.start(row: row, tokens: prompt)
      let state = try SequenceState(changed, capacity: prompt.count)
      var found: [Float] = []
      let observer = ForwardObserver(mixer: { at, _, output in
        if at == layer { found = Array(output.values) }
      })
      try changed.run(prompt, state, workspace, observer: observer) { rows in
        try add(rows, found, expected.next(rows.positions.count), targets)
      }
    }
  }

  private mutating func add(
    _ rows: Rows, _ found: [Float], _ segment: ExpectedSegment, _ targets: [Int]
  ) throws {
    logits.add(rows, segment)
    let first = rows.positions.lowerBound
    mixer.add(found, segment.mixer, width: found.count / rows.positions.count, from: first)
    try segment.logits.withUnsafeBufferPointer { values in
      for position in rows.positions {
        let start = (position - first) * rows.width
        let original = UnsafeBufferPointer(rebasing: values[start..<start + rows.width])
        try before.add(original, target: targets[position])
        try after.add(rows[position], target: targets[position])
      }
    }
  }
}
