import ArgumentParser
import Canonical
import Comparison
import Containers
import Diagnostics
import JSON
import Opening
import Reports
import SystemPackage
import Tensors

/// `graft inspect`: what a checkpoint is, from its headers.
struct InspectCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Say what a checkpoint is: layout and evidence, layer map, dtypes, states.",
    discussion: """
      Only headers are read, and the values of norms and decay rates. --audit and --hash read everything. -v also lists \
      tensors and says what the checkpoint can become, exactly or not, with the command.

      Example: graft inspect fixtures/trained/pytiny --html model.html
      """)

  @Argument(help: "A checkpoint directory or a weight file.", completion: .file())
  var path: String
  @Flag(help: "Also look at every value; exit code 1 where something cannot be meant.")
  var audit = false
  @Option(
    help: "Also write a page to this file (HTML); an earlier page is replaced.",
    completion: .file())
  var html: String?
  @Flag(help: "Hash every tensor for the page and compare with graft.json; reads all bytes.")
  var hash = false
  @OptionGroup var source: SourceOptions
  @OptionGroup var common: CommonOptions

  func checkOptions() throws {
    guard !hash || html != nil else { throw ValidationError("--hash needs --html FILE.") }
  }

  func perform() throws -> Outcome {
    guard let html else { return try inspected().outcome }
    return try PageFile(html).perform(path) {
      let (outcome, page) = try inspected()
      return (outcome, try page())
    }
  }

  private func inspected() throws -> (outcome: Outcome, page: () throws -> Page) {
    let catalogue = try common.catalogue()
    let stored = try StoredCheckpoint.open(FilePath(path), iteration: source.iteration)
    let model: OpenedModel
    do {
      model = try OpenedModel(stored, source, in: catalogue)
    } catch {
      // A packed checkpoint that cannot be read can still be described.
      guard error.asProblems.contains(where: { $0.kind == .unsupported }),
        let packed = PackedCheckpoint(stored, catalogue: catalogue)
      else { throw error }
      let summary = try PackedSummary(packed)
      var outcome = Outcome(
        common, json: summary.json, text: summary.text(verbose: common.verbose))
      let audit = audit ? AuditSummary(try audited(packed)) : nil
      audit?.add(to: &outcome)
      return (outcome, { summary.page(audit.map { [$0.section] } ?? []) })
    }
    let summary = try ModelSummary(model, becoming: common.verbose ? catalogue : nil)
    var outcome = Outcome(
      common, json: summary.json, text: summary.text(verbose: common.verbose))
    let audit = audit ? AuditSummary(try audited(model)) : nil
    audit?.add(to: &outcome)
    return (
      outcome,
      {
        summary.page(
          try TensorSection(model, isHashed: hash, common), audit.map { [$0.section] } ?? [])
      }
    )
  }

  private func audited(_ packed: PackedCheckpoint) throws -> Audit {
    let progress = Progress("auditing", total: Audit.bytes(of: packed), common)
    defer { progress.finish() }
    return try Audit(packed, threads: common.threads, progress: progress.advance)
  }

  private func audited(_ model: OpenedModel) throws -> Audit {
    let progress = Progress("auditing", total: Audit.bytes(of: model), common)
    defer { progress.finish() }
    return try Audit(model, threads: common.threads, progress: progress.advance)
  }
}
