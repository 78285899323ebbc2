import ArgumentParser
import Comparison
import Diagnostics
import JSON
import Opening
import Reports
import Runtime
import SystemPackage
import Verification

/// `graft verify`: logits of a model against a reference file or another model.
struct VerifyCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract:
      "Compare logits with a reference file or another checkpoint; name the first layer that differs.",
    discussion: """
      Every position counts, in one piece and token by token. Exit code 1 where the gate fails. --report \
      writes a page that shows agreement by position, errors by layer, the worst positions and the tensors.

      Example: graft verify fixtures/trained/pytiny --reference fixtures/trained/pytiny/reference.safetensors
      """)

  @Argument(help: "The checkpoint to verify.", completion: .file()) var path: String
  @Argument(help: "The checkpoint that counts as the reference.", completion: .file())
  var other: String?
  @Option(help: "A file with input_ids, logits and perhaps hidden.i.", completion: .file())
  var reference: String?
  @Option(
    help: """
      f32 (max abs <= 2e-4 * max(1, std), NMSE <= 1e-8, max KL <= 1e-6), bf16 (mean KL <= 5e-3, \
      max KL <= 0.1, top-1 or a tie in BF16 >= 99 %, NMSE <= 1e-4), quantised (no further off than rounding \
      explains), or the largest difference allowed.
      """, completion: .list(["f32", "bf16", "quantised"]))
  var gate = "f32"
  @Option(
    help: "Also write a page to this file (HTML); an earlier page is replaced.",
    completion: .file())
  var report: String?
  @Flag(help: "Hash every tensor for the page and compare with graft.json; reads all bytes.")
  var hash = false
  @OptionGroup var tokens: TokenOptions
  @OptionGroup var source: SourceOptions
  @OptionGroup var common: CommonOptions

  func checkOptions() throws {
    guard (other == nil) != (reference == nil) else {
      throw ValidationError("Give either a second checkpoint or --reference FILE.")
    }
    guard reference == nil || !tokens.areGiven else {
      throw ValidationError("--reference brings its own tokens; leave --tokens and texts out.")
    }
    guard !hash || report != nil else { throw ValidationError("--hash needs --report FILE.") }
  }

  func perform() throws -> Outcome {
    let gate = try Gate(gate)
    guard let report else { return try verified(gate).outcome }
    return try PageFile(report).perform("\(path) against \(reference ?? other ?? "")") {
      let (outcome, page) = try verified(gate)
      return (outcome, try page())
    }
  }

  private func verified(_ gate: Gate) throws -> (outcome: Outcome, page: () throws -> Page) {
    let model = try OpenedModel(path, source, in: common.catalogue())
    let subject = try Subject(model, gate)
    if let reference {
      let file = try ReferenceFile(FilePath(reference))
      let report = try watched(subject, file.positions) {
        try $0.compare(with: file, file: reference)
      }
      let summary = VerifySummary(report, of: path, against: reference)
      var outcome = summary.outcome(verbose: common.verbose)
      outcome.text += hint(report, model)
      model.addActivations(to: &outcome)
      return (outcome, { try page(summary, model, []) })
    }
    return try compared(model, subject)
  }

  /// A model bound for computing, and the gate it is held to.
  private struct Subject {
    let model: Model
    let gate: Gate
    let roundedAgain: RoundedModels?

    init(_ opened: OpenedModel, _ gate: Gate) throws {
      (model, self.gate) = (try opened.runnable(), gate)
      let directory = opened.checkpoint.directory.string
      roundedAgain =
        gate == .quantised
        ? try locating(.file(directory)) { try RoundedModels(opened.canonical) } : nil
    }
  }

  /// Which gate is meant for quantised weights, where another one fails.
  private func hint(_ report: VerificationReport, _ model: OpenedModel) -> [String] {
    guard !report.passes, [.f32, .bf16].contains(report.gate), model.canonical.isQuantised else {
      return []
    }
    return [
      "  the weights are quantised: against what they were rounded from, --gate quantised allows for that"
    ]
  }

  /// Compares while the terminal tells how far that is; every position comes by twice.
  private func watched(
    _ subject: Subject, _ positions: Int,
    _ compare: (Verifier) throws -> VerificationReport
  ) throws -> VerificationReport {
    try common.watched("comparing", total: 2 * positions, of: .positions) {
      try compare(
        Verifier(
          subject.model, gate: subject.gate, roundedAgain: subject.roundedAgain,
          threads: common.threads, progress: $0))
    }
  }

  private func compared(_ model: OpenedModel, _ subject: Subject) throws -> (
    outcome: Outcome, page: () throws -> Page
  ) {
    // Both models, and tokens that both have.
    let second = other ?? ""
    let expected = try OpenedModel(FilePath(second), catalogue: common.catalogue())
    let batch =
      try tokens.batch(for: model)
      ?? .builtIn(for: model.configuration, and: expected.configuration)
    // Weights are compared by value first: that tells which differences a run need not show.
    let report = try locating(.file("\(path) and \(second)")) {
      let other = try expected.runnable()
      let changes = try model.valueChanges(
        in: expected, byLevels: subject.gate == .quantised, threads: common.threads)
      let isRounding =
        try subject.gate == .bf16 && model.isRounding(of: expected, threads: common.threads)
      return try watched(subject, batch.positions) {
        try $0.compare(with: other, tokens: batch, changes: changes, isRounding: isRounding)
      }
    }
    // How tensors are stored, as `graft diff` compares them.
    let diff = DiffSummary(
      try common.watched("comparing tensors", total: model.checkpoint.byteCount) {
        try CheckpointDiff(model, expected, threads: common.threads, progress: $0)
      }, path, second)
    // Both results in one outcome.
    let summary = VerifySummary(report, of: path, against: second)
    var outcome = summary.outcome(verbose: common.verbose)
    outcome.text += hint(report, model)
    outcome.json["diff"] = .object(diff.json)
    outcome.text.append("  \(diff.storage)")
    model.addActivations(to: &outcome)
    let section = Page.Section(
      "Compared without running", [.lines(diff.text(verbose: common.verbose))])
    return (outcome, { try page(summary, model, [section]) })
  }

  private func page(_ summary: VerifySummary, _ model: OpenedModel, _ sections: [Page.Section])
    throws -> Page
  {
    VerifyPage(summary).page(
      sections + [
        try ModelSummary(model).layerSection(marking: summary.report.firstDivergentLayer),
        try TensorSection(model, isHashed: hash, common).section,
      ])
  }
}
