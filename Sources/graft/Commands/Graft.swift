import ArgumentParser
import Diagnostics

/// The command line tool.
@main
struct Graft: ParsableCommand {
  /// The version that records name.
  static let version = "0.2.0"

  static let configuration = CommandConfiguration(
    commandName: "graft",
    abstract: "Reads, converts, edits and proves checkpoints of Gated DeltaNet hybrids.",
    discussion: """
      Exit codes: 0 done or same, 1 differs, 64 usage, 65 input invalid, \
      66 input missing, 69 unsupported or not exact, 73 output exists or \
      cannot be created, 74 I/O error.
      """,
    version: version + (BuiltCommit.digits.map { " (commit \($0))" } ?? ""),
    subcommands: [
      InspectCommand.self, ConvertCommand.self, RepairCommand.self, ComposeCommand.self,
      SpliceCommand.self,
      VerifyCommand.self, DiffCommand.self, LogitsCommand.self, ScoreCommand.self,
      GenerateCommand.self,
      FormatsCommand.self,
    ])
}
