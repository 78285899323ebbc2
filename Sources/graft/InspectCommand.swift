import ArgumentParser
import Canonical
import Conversion
import Diagnostics
import JSON
import SystemPackage
import Tensors

/// `graft inspect`: what a checkpoint is, from its headers.
struct InspectCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Say what a checkpoint is: layout and evidence, layer map, dtypes, states.",
    discussion: "Example: graft inspect fixtures/trained/pytiny")

  @Argument(help: "A checkpoint directory or a weight file.") var path: String
  @Flag(help: "Also look at every value; exit code 1 where something cannot be meant.")
  var audit = false
  @OptionGroup var source: SourceOptions
  @OptionGroup var common: CommonOptions

  func perform() throws -> Outcome {
    if let packed = try PackedCheckpoint(FilePath(path), catalogue: .builtIn()) {
      let summary = PackedSummary(packed)
      return Outcome(json: summary.json, text: summary.text(verbose: common.verbose))
    }
    let model = try OpenedModel(path, source)
    let summary = try ModelSummary(model)
    var outcome = Outcome(json: summary.json, text: summary.text(verbose: common.verbose))
    if audit {
      try AuditSummary(Audit(model.checkpoint, threads: common.threads)).add(to: &outcome)
    }
    return outcome
  }
}
