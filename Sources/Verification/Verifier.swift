import Canonical
import Diagnostics
import Runtime

/// Compares the logits and hidden states of a model with those of another or of a reference file.
///
/// Every prompt runs twice: in long segments, which short prompts share, and token by token with
/// carried state. Both must pass. Where residual streams are known, every layer also runs by itself on
/// what the reference gives it. Where one of both has no language head, the final hidden states stand for
/// logits; of vocabularies of different size, the tokens that both have count.
public struct Verifier {
  let model: Model
  let workspace: Workspace
  let gate: Gate
  /// Models that are as far from this one as rounding its weights may take it, for a gate of quantised ones.
  let roundedAgain: RoundedModels?
  private let threads: Int
  let progress: (Int) -> Void

  /// A verifier of one model.
  /// - Parameters:
  ///   - roundedAgain: those of the same weights, for a gate of quantised ones.
  ///   - threads: 0 for all cores.
  ///   - progress: called with the positions that were compared, each of which is counted twice.
  /// - Throws: `Problem` of kind `io` where memory is short.
  public init(
    _ model: Model, gate: Gate, roundedAgain: RoundedModels? = nil, threads: Int,
    progress: @escaping (Int) -> Void = { _ in }
  ) throws {
    self.model = model
    self.roundedAgain = roundedAgain
    self.gate = gate
    self.threads = threads
    self.progress = progress
    workspace = try Workspace(model, threads: threads)
    if gate == .quantised { try workspace.watchRouters() }
  }

  /// The same for the model up to its final norm.
  private func withoutHead() throws -> Verifier {
    try Verifier(
      model.withoutHead, gate: gate, roundedAgain: roundedAgain?.withoutHead,
      threads: threads, progress: progress)
  }

  private var hasHead: Bool { model.configuration.head != .none }

  /// Compares with recorded logits and hidden states.
  /// - Throws: `Problem` of kind `invalid` where the reference does not fit the model.
  public func compare(with reference: ReferenceFile, file: String) throws -> VerificationReport {
    if hasHead, reference.width(of: .logits) == nil {
      try locating(.file(file)) { try checkEnd(reference) }
      return try withoutHead().compare(with: reference, file: file)
    }
    let outputs = RecordedOutputs(reference, ModelOutput(of: model.configuration))
    try locating(.file(file)) { try checkWidths(reference, outputs) }
    try reference.tokens.check(vocabulary: model.configuration.vocabulary, file: file)
    var report = try compare(with: outputs, tokens: reference.tokens)
    try explain(&report, reference.tokens, nil)
    try acquit(&report, outputs, reference.tokens.rows)
    report.named = try reference.named.map { name, reference in
      (name, try compare(with: reference, file: file))
    }
    return report
  }

  /// Compares with another model, which counts as the reference.
  /// - Parameters:
  ///   - changes: where the weights differ by value; nil for weights that no one compared.
  ///   - isRounding: whether one of both is the other but for the rounding of weights.
  /// - Throws: `Problem` where a prompt cannot be run.
  public func compare(
    with other: Model, tokens: TokenBatch, changes: ValueChanges? = nil, isRounding: Bool = false
  ) throws -> VerificationReport {
    let otherHasHead = other.configuration.head != .none
    guard hasHead == otherHasHead else {
      return try (hasHead ? withoutHead() : self).compare(
        with: otherHasHead ? other.withoutHead : other, tokens: tokens, changes: changes,
        isRounding: isRounding)
    }
    let outputs = try ComputedOutputs(other, threads: workspace.threads)
    var report = try compare(with: outputs, tokens: tokens)
    report.hasRoundedWeights = isRounding
    let beside = report.layers.isEmpty ? nil : longPrompt(beside: tokens, other.configuration)
    try beside.map { try runLayers(on: $0, outputs, &report) }
    try explain(&report, tokens, beside)
    let prompt = (beside ?? tokens.rows.max { $0.count < $1.count }) ?? []
    try acquit(&report, outputs, [prompt])
    if let changes {
      if gate == .quantised { report.add(quantised: changes) }
      try judge(changes, &report, outputs, prompt)
      report.add(changes.others)
    }
    report.add(
      Unreached.windows(
        model.configuration, other.configuration, prompt: tokens.rows.map(\.count).max() ?? 0))
    return report
  }

  /// The built-in prompt, on which the layers run too where the given ones are short; nil where they are not.
  private func longPrompt(beside tokens: TokenBatch, _ other: ModelConfiguration) -> [Int]? {
    let builtIn = TokenBatch.builtIn(for: model.configuration, and: other)
      .limited(to: LayerRuns.measured)
    guard let prompt = builtIn.rows.first, tokens.rows.allSatisfy({ $0.count < prompt.count }),
      (try? builtIn.check(vocabulary: model.configuration.vocabulary, file: nil)) != nil
    else { return nil }
    return prompt
  }

  /// Runs every layer by itself on one more prompt.
  private func runLayers(
    on prompt: [Int], _ outputs: ComputedOutputs, _ report: inout VerificationReport
  ) throws {
    let runs = LayerRuns(model, [prompt], gate, workspace)
    outputs.start([prompt])
    for segment in PromptBatch(model, [prompt], workspace).segments {
      try runs.run(segment, try outputs.next(segment), &report)
    }
  }

  /// Measures how far rounding takes the model on the same prompts, for a gate of quantised weights.
  ///
  /// A token for which two experts nearly tie goes to another one in some models that are rounded again and
  /// not in others: where the first ones do not explain a difference, more are tried.
  /// - Parameter beside: the prompt on which only the layers have run.
  private func explain(
    _ report: inout VerificationReport, _ tokens: TokenBatch, _ beside: [Int]?
  ) throws {
    guard let roundedAgain else { return }
    for draw in 0..<roundedAgain.count
    where draw < RoundedModels.least || !report.agreesWhereRun {
      let outputs = try ComputedOutputs(roundedAgain.model(draw), threads: workspace.threads)
      var again = try compareSegments(with: outputs, tokens: tokens) { _ in }
      try beside.map { try runLayers(on: $0, outputs, &again) }
      report.add(rounding: again)
    }
  }

  /// Measures the effect of rounding on more inputs, for layers that exceed their limit by little.
  private func acquit(
    _ report: inout VerificationReport, _ expected: any ExpectedOutputs, _ prompts: [[Int]]
  ) throws {
    let accused = report.layers.filter { gate.doubts($0.step) }.map(\.index)
    guard !accused.isEmpty else { return }
    let runs = LayerRuns(model, prompts, gate, workspace, accused: accused)
    expected.start(prompts)
    for segment in PromptBatch(model, prompts, workspace).segments where runs.isMeasuring {
      try runs.run(segment, try expected.next(segment), &report)
    }
  }
}
