import ArgumentParser
import Comparison
import Containers
import Diagnostics
import Opening
import SystemPackage

/// `graft diff`: what differs between two checkpoints, without running them.
struct DiffCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Compare names, shapes, dtypes, values, config and files, without running anything.",
    discussion: """
      Checkpoints of one layout are compared by stored names, those of two layouts by what their tensors \
      are in the model. Exit code 1 where something differs.

      Example: graft diff fixtures/trained/pytiny fixtures/trained/pytiny
      """)

  @Argument(help: "A checkpoint.", completion: .file()) var path: String
  @Argument(help: "The checkpoint to compare it with.", completion: .file())
  var other: String
  @OptionGroup var source: SourceOptions
  @OptionGroup var common: CommonOptions

  func perform() throws -> Outcome {
    let diff = try diff()
    let summary = DiffSummary(diff, path, other)
    return Outcome(
      json: summary.json, text: summary.text(verbose: common.verbose),
      exitCode: diff.isSame ? 0 : 1)
  }

  /// Files that no layout describes are compared by their names.
  private func diff() throws -> CheckpointDiff {
    let catalogue = try common.catalogue()
    let opened = Result {
      (
        try OpenedModel(path, source, in: catalogue),
        try OpenedModel(FilePath(other), catalogue: catalogue)
      )
    }
    guard case .failure(let error) = opened, source.from == nil, source.assume.isEmpty else {
      let (a, b) = try opened.get()
      return try common.watched("comparing", total: a.checkpoint.byteCount) {
        try CheckpointDiff(a, b, threads: common.threads, progress: $0)
      }
    }
    if error.asProblems.contains(where: { $0.kind == .missing || $0.kind == .io }) { throw error }
    let a = try StoredCheckpoint.open(FilePath(path), iteration: source.iteration)
    let b = try StoredCheckpoint.open(FilePath(other))
    return try common.watched("comparing", total: a.byteCount) {
      try CheckpointDiff(a, b, threads: common.threads, progress: $0)
    }
  }
}
