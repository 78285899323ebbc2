import Containers
import Conversion
import Diagnostics
import JSON
import Layouts
import Opening
import Reports
import SystemPackage
import Tensors

/// Carries out a plan, or shows it, and tells what was done.
struct CheckpointJob {
  let plan: CheckpointPlan
  let source: OpenedModel
  let destination: String
  let output: OutputOptions
  let common: CommonOptions
  /// What to do of the plan.
  var task = Task.everything
  /// What was asked for, by the names of the command line; nil for a job that is not resumed.
  var options: [String: String]?

  /// What a process does of a job that several can share.
  enum Task {
    case everything
    /// Some of the weight files.
    case part(Share)
    /// Checking what the parts are, and everything beside the weights.
    case finish
  }

  /// Writes the output unless only the plan is wanted.
  /// - Parameter measure: looks at the finished output before it appears under its name; where it
  ///   throws, nothing is written.
  func outcome(headline: String, measure: (OpenedModel) throws -> Void = { _ in }) throws -> Outcome
  {
    guard !output.dryRun else {
      try OutputDirectory.check(
        at: FilePath(destination), overwrite: output.overwrite, inputs: inputs, marks: marks)
      return described(nil, headline: headline)
    }
    let identity = try identity()
    let directory = try OutputDirectory(
      at: FilePath(destination), overwrite: output.overwrite,
      inputs: inputs, marks: marks, use: use)
    defer { directory.abort() }
    var run = CheckpointRun(
      plan, into: directory, identity: identity, isHashed: !output.hidesManifest,
      share: share ?? .whole, threads: common.threads)
    let progress = Progress(isFinishing ? "checking" : "writing", total: run.totalBytes, common)
    defer { progress.finish() }
    if isFinishing {
      try run.collect(progress.advance)
    } else {
      try run.checkParts()
      directory.own()
      try run.writeShards(progress.advance)
    }
    progress.finish()
    if let share { return leave(directory, share, run.report, headline) }
    try complete(run, directory, measure)
    return described(run.report, headline: headline)
  }

  private var inputs: [FilePath] { [source.checkpoint.directory] }
  private var marks: CheckpointMarks { CheckpointMarks(source: source.checkpoint) }
  private var share: Share? { if case .part(let share) = task { share } else { nil } }
  private var isFinishing: Bool { if case .finish = task { true } else { false } }

  private var use: OutputDirectory.Use {
    switch task {
    case .everything: .alone
    case .part: .part
    case .finish: .collection
    }
  }

  private func leave(
    _ directory: OutputDirectory, _ share: Share, _ report: CheckpointReport, _ headline: String
  ) -> Outcome {
    directory.leave()
    return described(
      report, headline: "\(headline), part \(share.number) of \(share.count)", share)
  }

  private func identity() throws -> RunIdentity? {
    guard !output.hidesManifest, let options else { return nil }
    return try RunIdentity(
      plan, of: source.checkpoint, options: options, version: Graft.version)
  }

  /// What was written must open as what it was meant to be, and hold what was moved, before it appears
  /// under its name.
  private func complete(
    _ run: CheckpointRun, _ directory: OutputDirectory, _ measure: (OpenedModel) throws -> Void
  ) throws {
    try run.complete()
    try Shortening.check(in: source.checkpoint.directory)
    let written = try reopened(directory)
    if !output.hidesManifest {
      let manifest = try run.manifest(
        of: written, from: source, version: Graft.version)
      try OutputFile.write(Array(manifest.utf8), to: directory.file(Manifest.fileName))
    }
    try measure(written)
    try Shortening.check(in: source.checkpoint.directory)
    try directory.commit()
  }

  /// The output as anybody will open it, who is not told its layout.
  private func reopened(_ directory: OutputDirectory) throws -> OpenedModel {
    let named = try OpenedModel(directory.path, from: plan.layout, catalogue: .builtIn())
    let found = Result { try OpenedModel(directory.path, catalogue: .builtIn()) }
    if case .success(let model) = found, model.layout.id == plan.layout { return model }
    throw Problem(
      .unsupported, "the output would not be recognised as what it is",
      file: named.checkpoint.directory.string, expected: plan.layout,
      found: (try? found.get().layout.id) ?? "several layouts that fit it",
      remedy: "write safetensors files, whose metadata tell layouts apart, or choose another layout"
    )
  }

  private func described(_ report: CheckpointReport?, headline: String, _ share: Share? = nil)
    -> Outcome
  {
    var json: JSONObject = [
      "destination": .string(destination),
      "written": .bool(report != nil && share == nil),
      "shards": .array(shards(share).map { .object(shard($0, report)) }),
      "code": .array(plan.code.map { .string($0.name) }),
      "sidecars": .array(plan.sidecars.map { .string($0.name) }),
      "dropped": .array(
        plan.dropped.map { item in
          .object([
            "name": .string(item.name), "reason": .string(item.reason),
            "kind": item.stray.map { .string($0.rawValue) } ?? .string(item.kind.rawValue),
          ])
        }),
      "notes": .array(plan.notes.map { .string($0) }),
      "findings": .array(source.findings.map { .object($0.json) }),
      "tensors": .array(plan.shards.flatMap(\.tensors).map { .object(tensor($0)) }),
    ]
    if let share { json["part"] = .string("\(share.number)/\(share.count)") }
    if let report {
      json["resumed_files"] = JSONValue(report.resumedFiles)
      json["changed_values"] = .object(
        JSONObject(report.changedValues.map { ($0.name, JSONValue($0.count)) }))
    }
    return Outcome(json: json, text: lines(report, headline, shards(share)))
  }

  private func shards(_ share: Share?) -> [CheckpointPlan.Shard] {
    guard let share else { return plan.shards }
    return plan.shards.enumerated().filter { share.contains($0.offset) }.map(\.element)
  }

  private func shard(_ shard: CheckpointPlan.Shard, _ report: CheckpointReport?) -> JSONObject {
    let method = report?.cloning[shard.fileName]
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

  private func lines(
    _ report: CheckpointReport?, _ headline: String, _ shards: [CheckpointPlan.Shard]
  ) -> [String] {
    var lines = [report == nil ? "\(headline) (plan only, nothing written)" : headline]
    switch report?.beginning {
    case .resumed(let files): lines.append("  resumed: \(Quantity.of(files, "file")) were finished")
    case .anew: lines.append("  begun anew: what an interrupted run left was of no use")
    default: break
    }
    for shard in shards {
      let method = report?.cloning[shard.fileName]?.text
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
    lines += changes(report?.changedValues ?? []) + plan.notes.map { "  note: \($0)" }
    lines += source.findings.map { "  finding in the source: \($0.claim)" }
    if !plan.code.isEmpty {
      lines.append("  written beside: \(plan.code.map(\.name).joined(separator: ", "))")
    }
    if !plan.sidecars.isEmpty {
      lines.append("  copied beside: \(plan.sidecars.map(\.name).joined(separator: ", "))")
    }
    return lines
  }

  /// How many values changed, tensor by tensor or, where these are many, in all.
  private func changes(_ list: [(name: String, count: Int)]) -> [String] {
    guard list.count > 3, !common.verbose else {
      return list.map { "  \(Quantity.count($0.count)) values changed in \($0.name)" }
    }
    let sum = list.reduce(0) { $0 + $1.count }
    return ["  \(Quantity.count(sum)) values changed in \(Quantity.of(list.count, "tensor"))"]
  }

  /// Names, folded; many are only counted unless more is asked for.
  private func names(_ names: [String], of kind: LeftOut.Kind = .tensor) -> String {
    let folded = NameFolding.fold(names)
    let isLong = folded.count > 3 && !common.verbose
    return isLong ? Quantity.of(names.count, kind.rawValue) : folded.joined(separator: ", ")
  }

  /// What is left out for one reason; files and programs are named, the first dozens of very many.
  private func names(_ items: [LeftOut]) -> String {
    guard items.allSatisfy(\.isNamed) else { return names(items.map(\.name), of: items[0].kind) }
    let shown = common.verbose ? items.count : 24
    return items.prefix(shown).map(\.name).joined(separator: ", ")
      + (items.count > shown ? ", … (\(Quantity.of(items.count, items[0].kind.rawValue)))" : "")
  }

  /// The tensors by rule.
  private var rules: [(rule: String, names: String)] {
    let groups = Dictionary(grouping: plan.shards.flatMap(\.tensors), by: \.rule)
    var list = groups.sorted { $0.key.text < $1.key.text }.map { rule, tensors in
      (rule.text, names(tensors.map(\.name)))
    }
    let dropped = Dictionary(grouping: plan.dropped) { item in
      item.reason + (item.stray.map { ", \($0.text)" } ?? "")
    }
    for (reason, items) in dropped.sorted(by: { $0.key < $1.key }) {
      let count = items[0].stray == nil ? "" : "\(items.count): "
      list.append(("dropped (\(reason))", count + names(items)))
    }
    return list
  }
}
