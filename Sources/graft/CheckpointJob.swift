import Containers
import Conversion
import Diagnostics
import JSON
import Layouts
import SystemPackage
import Tensors

/// Carries out a plan, or shows it, and tells what was done.
struct CheckpointJob {
  let plan: CheckpointPlan
  let source: OpenedModel
  let destination: String
  let output: OutputOptions
  let common: CommonOptions

  /// Writes the output unless only the plan is wanted.
  /// - Parameter measure: looks at the finished output before it appears under its name; where it
  ///   throws, nothing is written.
  func outcome(headline: String, measure: (OpenedModel) throws -> Void = { _ in }) throws -> Outcome
  {
    guard !output.dryRun else { return described(nil, headline: headline) }
    let total = plan.shards.flatMap(\.tensors).reduce(0) { $0 + $1.byteCount }
    let progress = Progress("writing", total: total, common)
    let report = try plan.execute(
      to: FilePath(destination), overwrite: output.overwrite,
      inputs: [source.checkpoint.directory],
      check: { try finish($0, measure) }, progress: progress.advance)
    progress.finish()
    return described(report, headline: headline)
  }

  /// What was written must open as what it was meant to be, and hold what was moved, before it appears
  /// under its name.
  private func finish(_ path: FilePath, _ measure: (OpenedModel) throws -> Void) throws {
    let written = try reopened(path)
    if !output.hidesManifest {
      let manifest = try plan.manifest(
        of: written, from: source, version: Graft.configuration.version, threads: common.threads)
      try OutputFile.write(Array(manifest.utf8), to: path.appending(Manifest.fileName))
    }
    try measure(written)
  }

  private func reopened(_ path: FilePath) throws -> OpenedModel {
    try OpenedModel(path, from: plan.layout, catalogue: .builtIn())
  }

  private func described(_ report: CheckpointReport?, headline: String) -> Outcome {
    var json: JSONObject = [
      "destination": .string(destination),
      "written": .bool(report != nil),
      "shards": .array(plan.shards.map { .object(shard($0, report)) }),
      "code": .array(plan.code.map { .string($0.name) }),
      "sidecars": .array(plan.sidecars.map { .string($0.lastComponent?.string ?? "") }),
      "dropped": .array(
        plan.dropped.map { .object(["name": .string($0.name), "reason": .string($0.reason)]) }),
      "findings": .array(source.findings.map { .object($0.json) }),
      "tensors": .array(plan.shards.flatMap(\.tensors).map { .object(tensor($0)) }),
    ]
    if let report {
      json["changed_values"] = .object(
        JSONObject(report.changedValues.map { ($0.name, JSONValue($0.count)) }))
    }
    return Outcome(json: json, text: lines(report, headline))
  }

  private func shard(_ shard: CheckpointPlan.Shard, _ report: CheckpointReport?) -> JSONObject {
    let method = report?.clones.first { $0.fileName == shard.fileName }?.method
    return [
      "file": .string(shard.fileName),
      "tensors": JSONValue(shard.tensors.count),
      "bytes": JSONValue(shard.tensors.reduce(0) { $0 + $1.byteCount }),
      "cloned": .bool(shard.clone != nil),
      "method": method.map { .string($0.text) } ?? .null,
    ]
  }

  private func tensor(_ tensor: CheckpointPlan.Tensor) -> JSONObject {
    [
      "name": .string(tensor.name),
      "dtype": .string(tensor.type.rawValue),
      "shape": .array(tensor.shape.map { JSONValue($0) }),
      "rule": .string(tensor.rule.text),
    ]
  }

  private func lines(_ report: CheckpointReport?, _ headline: String) -> [String] {
    var lines = [report == nil ? "\(headline) (plan only, nothing written)" : headline]
    for shard in plan.shards {
      let method = report?.clones.first { $0.fileName == shard.fileName }?.method.text
      let how =
        shard.clone == nil
        ? (report == nil ? "to be written" : "written")
        : "unchanged, \(method ?? "to be cloned")"
      let bytes = shard.tensors.reduce(0) { $0 + $1.byteCount }
      lines.append(
        "  \(shard.fileName)  \(Quantity.of(shard.tensors.count, "tensor")), \(Quantity.bytes(bytes)), \(how)"
      )
    }
    lines += rules.map { "  \($0.rule): \($0.names)" }
    for (name, count) in report?.changedValues ?? [] {
      lines.append("  \(Quantity.count(count)) values changed in \(name)")
    }
    lines += source.findings.map { "  finding in the source: \($0.claim)" }
    if !plan.code.isEmpty {
      lines.append("  written beside: \(plan.code.map(\.name).joined(separator: ", "))")
    }
    if !plan.sidecars.isEmpty {
      let names = plan.sidecars.compactMap { $0.lastComponent?.string }
      lines.append("  copied beside: \(names.joined(separator: ", "))")
    }
    return lines
  }

  /// Names, folded; many are only counted unless more is asked for.
  private func names(_ names: [String]) -> String {
    let folded = NameFolding.fold(names)
    let isLong = folded.count > 3 && !common.verbose
    return isLong ? Quantity.of(names.count, "tensor") : folded.joined(separator: ", ")
  }

  /// The tensors by rule.
  private var rules: [(rule: String, names: String)] {
    let groups = Dictionary(grouping: plan.shards.flatMap(\.tensors), by: \.rule)
    var list = groups.sorted { $0.key.text < $1.key.text }.map { rule, tensors in
      (rule.text, names(tensors.map(\.name)))
    }
    let dropped = Dictionary(grouping: plan.dropped, by: \.reason)
    for (reason, items) in dropped.sorted(by: { $0.key < $1.key }) {
      list.append(("dropped (\(reason))", names(items.map(\.name))))
    }
    return list
  }
}
