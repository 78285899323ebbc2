import ArgumentParser
import Diagnostics

/// What every verb understands.
struct CommonOptions: CheckedOptions {
  @Flag(name: .long, help: "Print one JSON document instead of text.")
  var json = false

  @Flag(name: [.short, .long], help: "Print nothing but errors.")
  var quiet = false

  @Flag(name: [.short, .long], help: "Print more; on a terminal also the whole of a long error.")
  var verbose = false

  @Flag(name: .customLong("no-progress"), help: "Show no progress on the terminal.")
  var hidesProgress = false

  @Option(
    name: .customLong("formats"),
    help: ArgumentHelp(
      "A folder with layout files to know beside the built-in ones; else GRAFT_FORMATS names it.",
      valueName: "dir"), completion: .directory)
  var layoutFolder: String?

  @Option(name: .customShort("j"), help: "The number of threads; 0 for all cores.")
  var threads = 0

  func checkOptions() throws {
    guard (0...1024).contains(threads) else {
      throw ValidationError("-j takes a number from 1 to 1024; 0 stands for all cores.")
    }
  }
}

/// How a checkpoint is read.
struct SourceOptions: ParsableArguments {
  @Option(
    name: .long, help: "Read the checkpoint as this layout instead of recognising it.",
    completion: .layouts)
  var from: String?

  @Option(
    help: ArgumentHelp(
      "How values are stored where that is in doubt.",
      discussion:
        "norm-offset=0|1|2 (trunk-norm-offset and mtp-norm-offset for one part), A_log=log|negexp, value-heads=grouped|tiled, mtp-halves=kept|exchanged; what a converter lost: index-block=N, the positions of a block, moe.groups=N, moe.groups_per_token=N or moe.renormalise=true|false."
    ),
    completion: .list([
      "norm-offset=0", "norm-offset=1", "norm-offset=2", "trunk-norm-offset=0",
      "trunk-norm-offset=1", "trunk-norm-offset=2", "mtp-norm-offset=0", "mtp-norm-offset=1",
      "mtp-norm-offset=2", "A_log=log", "A_log=negexp",
      "value-heads=grouped", "value-heads=tiled", "mtp-halves=kept", "mtp-halves=exchanged",
    ]))
  var assume: [String] = []

  @Option(
    help: ArgumentHelp(
      "Which iteration of a training run to read; the newest by default.", valueName: "n"))
  var iteration: Int?
}

/// Where a command writes, and whether it may replace something.
struct OutputOptions: ParsableArguments {
  @Flag(name: .long, help: "Replace an output that exists, if it is a checkpoint and nothing else.")
  var overwrite = false

  @Flag(name: .long, help: "Show the whole plan from the headers and write nothing.")
  var dryRun = false

  @Flag(name: .customLong("no-manifest"), help: "Hash nothing and write no graft.json.")
  var hidesManifest = false
}
