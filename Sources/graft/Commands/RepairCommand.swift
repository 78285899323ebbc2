import ArgumentParser
import Comparison
import Containers
import Conversion
import Diagnostics
import Layouts
import Opening
import SystemPackage

/// `graft repair`: what an audit can name and mend.
struct RepairCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "repair",
    abstract:
      "Mend what inspect --audit finds: norms, decay rates, names and claims of the config.",
    discussion: """
      Only norms, decay rates, names, metadata and the config are written anew; everything else, packed \
      weights among it, keeps its bytes, which is checked. Where nothing is wrong, nothing is written.

      Example: graft repair fixtures/huggingface/qwen3_5/text-bf16 out --dry-run
      """)

  @Argument(help: "The checkpoint to read.", completion: .file()) var sourcePath: String
  @Argument(help: "The directory to write.", completion: .directory) var destination: String?
  @OptionGroup var permission: AllowOptions
  @Flag(help: "Say what is wrong and what would be done, and write nothing.") var explain = false
  @OptionGroup var output: OutputOptions
  @OptionGroup var source: SourceOptions
  @OptionGroup var common: CommonOptions

  func checkOptions() throws {
    guard explain || destination != nil else {
      throw ValidationError("Name the directory to write, or ask for --explain.")
    }
  }

  func perform() throws -> Outcome {
    let catalogue = try common.catalogue()
    let repair = try looked(catalogue)
    guard !repair.mends.isEmpty else { return try nothingToMend(repair) }
    let plan = try locating(.file(sourcePath)) { try repair.plan() }
    guard let destination, !explain else {
      let left = try repair.left(in: repair.repaired(catalogue))
      return RepairSummary(repair.mends, left: left).outcome(
        headline: "\(sourcePath): \(RepairSummary.count(repair.mends)) can be mended")
    }
    let job = CheckpointJob(plan: plan, destination: destination, output: output, common: common)
    var (unchanged, left): (Int?, [AuditFinding]) = (nil, [])
    var outcome = try job.outcome(headline: "\(sourcePath) → \(destination), repaired") { written in
      unchanged = try locating(.file(destination)) { try repair.prove(written) }
      left = try repair.left(in: written)
    }
    if output.dryRun { left = try repair.left(in: repair.repaired(catalogue)) }
    RepairSummary(repair.mends, left: left, unchanged: unchanged).add(to: &outcome)
    return outcome
  }

  private func looked(_ catalogue: LayoutCatalogue) throws -> Repair {
    let stored = try StoredCheckpoint.open(FilePath(sourcePath))
    let progress = Progress("auditing", total: stored.byteCount, common)
    defer { progress.finish() }
    return try Repair(stored, options(), catalogue: catalogue, progress: progress.advance)
  }

  /// Nothing is written where nothing can be mended: not a copy either, which could be taken for a mended
  /// one.
  private func nothingToMend(_ repair: Repair) throws -> Outcome {
    let errors = repair.findings.filter { $0.severity == .error }
    guard errors.isEmpty || explain else {
      throw Problem(
        .unsupported, "nothing of what the audit finds can be mended", file: sourcePath,
        tensor: errors.first?.tensor, found: errors.map(\.text).first,
        remedy: "take the original, or see all findings with graft inspect --audit")
    }
    var outcome = RepairSummary([], left: repair.findings)
      .outcome(headline: "\(sourcePath): nothing to repair, and nothing is written")
    outcome.json["destination"] = destination.map { .string($0) } ?? .null
    return outcome
  }

  private func options() throws -> RepairOptions {
    var options = RepairOptions()
    options.from = source.from
    options.assuming = try source.assume.map(Assumption.init)
    options.allowed = permission.strays
    options.allowsCode = permission.allow.contains(.code)
    options.allowsLoss = permission.allow.contains(.lossy)
    options.threads = common.threads
    return options
  }
}
