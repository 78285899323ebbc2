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

  /// A model and what it was before its layers were changed.
  public struct Change {
    let model: Model
    let original: Model
    let layer: Int

    /// A change from its parts.
    /// - Parameter layer: the layer whose mixers are compared; its inputs differ as well where an earlier
    ///   layer has changed.
    public init(to model: Model, from original: Model, layer: Int) {
      (self.model, self.original, self.layer) = (model, original, layer)
    }
  }

  /// Runs both models over every prompt.
  /// - Parameters:
  ///   - threads: 0 for all cores.
  ///   - progress: called with the positions that were compared.
  /// - Throws: `Problem` where a prompt cannot be run.
  public init(
    _ change: Change, _ batch: TokenBatch, threads: Int, progress: (Int) -> Void = { _ in }
  ) throws {
    let layer = change.layer
    let expected = try ComputedOutputs(change.original, mixerOf: layer, threads: threads)
    let workspace = try Workspace(change.model, threads: threads)
    let prompts = PromptBatch(change.model, batch.rows, workspace)
    let targets = batch.rows.indices.map(batch.targets)
    expected.start(batch.rows)
    for segment in prompts.segments {
      var found: [[Float]] = Array(repeating: [], count: segment.count)
      let observer = ForwardObserver(mixer: { at, _, output in
        if at == layer { found[output.sequence] = Array(output.values) }
      })
      let rows = try prompts.run(segment, observer: observer)
      for (part, reference) in zip(segment.indices, try expected.next(segment)) {
        try add(rows[part], found[part], reference, targets[segment[part].prompt])
        progress(rows[part].positions.count)
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
