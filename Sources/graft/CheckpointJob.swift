import Containers
import Conversion
import Diagnostics
import JSON
import Layouts
import Opening
import Packing
import Reports
import SystemPackage
import Tensors

/// Carries out a plan, or shows it, and tells what was done.
struct CheckpointJob {
  let plan: CheckpointPlan
  let destination: String
  let output: OutputOptions
  let common: CommonOptions
  /// What to do of the plan.
  var task = WriteOptions.Task.everything
  /// What was asked for, by the names of the command line; nil for a job that is not resumed.
  var request: [String: String]?

  /// Writes the output unless only the plan is wanted.
  /// - Parameter measure: looks at the finished output before it appears under its name; where it
  ///   throws, nothing is written.
  func outcome(headline: String, measure: (OpenedModel) throws -> Void = { _ in }) throws -> Outcome
  {
    let path = FilePath(destination)
    guard !output.dryRun else {
      try plan.check(path, overwrites: output.overwrite)
      return described(nil, headline: headline)
    }
    let progress = Progress(
      task == .finish ? "checking" : "writing", total: plan.byteCount(task), common)
    defer { progress.finish() }
    let report = try plan.write(to: path, options(), progress: progress.advance) {
      progress.finish()
      try measure($0)
    }
    guard case .part(let share) = task else { return described(report, headline: headline) }
    return described(
      report, headline: "\(headline), part \(share.number) of \(share.count)", share)
  }

  private func options() throws -> WriteOptions {
    var options = try WriteOptions(catalogue: common.catalogue(), version: Graft.version)
    options.task = task
    options.overwrites = output.overwrite
    options.keepsRecord = !output.hidesManifest
    options.request = request
    options.threads = common.threads
    return options
  }

  private func described(_ report: CheckpointReport?, headline: String, _ share: Share? = nil)
    -> Outcome
  {
    var json: JSONObject = [
      "destination": .string(destination),
      "written": .bool(report != nil && share == nil),
      "shards": .array(plan.shards(of: share ?? .whole).map { .object(shard($0, report)) }),
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
      "findings": .array(plan.findings.map { .object($0.json) }),
      "tensors": .array(plan.shards.flatMap(\.tensors).map { .object(tensor($0)) }),
    ]
    if !plan.source.adapters.isEmpty {
      json["adapters"] = .array(plan.source.adapters.map { .object($0.json) })
    }
    if let share { json["part"] = .string("\(share.number)/\(share.count)") }
    if let report {
      json["resumed_files"] = JSONValue(report.resumedFiles)
      json["changed_values"] = .object(
        JSONObject(report.changedValues.map { ($0.name, JSONValue($0.count)) }))
      json["relative_errors"] = .object(
        JSONObject(
          report.rounding.map { ($0.name, $0.error.relative.map { JSONValue($0) } ?? .null) }))
    }
    return Outcome(json: json, text: lines(report, headline, plan.shards(of: share ?? .whole)))
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
    // How the run began.
    var lines = [report == nil ? "\(headline) (plan only, nothing written)" : headline]
    switch report?.beginning {
    case .resumed(let files): lines.append("  resumed: \(Quantity.of(files, "file")) were finished")
    case .anew: lines.append("  begun anew: what an interrupted run left was of no use")
    default: break
    }
    // The weight files.
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
    lines += plan.source.adapters.map { "  merged: \($0.text)" }
    // What happened to the tensors, and what the user should know.
    lines += rules.map { "  \($0.rule): \($0.names)" }
    lines +=
      changes(report?.changedValues ?? []) + errors(report?.rounding ?? [])
      + plan.notes.map { "  note: \($0)" }
    lines += plan.findings.map { "  finding in the source: \($0.claim)" }
    // The files beside the weights.
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

  /// How far quantised weights are from what they were: in all, and where it is most; or all of them.
  private func errors(_ list: [(name: String, error: RoundingError)]) -> [String] {
    func text(_ error: RoundingError) -> String {
      error.relative.map { "\(Quantity.significant($0 * 100, 3)) %" } ?? "none"
    }
    guard !list.isEmpty else { return [] }
    let sum = list.reduce(into: RoundingError()) { $0 += $1.error }
    let head = "  relative error of quantised weights: \(text(sum))"
    guard !common.verbose else { return [head] + list.map { "    \($0.name): \(text($0.error))" } }
    let most = list.max { ($0.error.relative ?? 0) < ($1.error.relative ?? 0) }
    return [head + (most.map { ", at most \(text($0.error)) in \($0.name)" } ?? "")]
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
      // Names that are only counted say their number already.
      let (shown, count) = (names(items), "\(items.count)")
      let isCounted = items[0].stray == nil || shown.hasPrefix(count + " ")
      list.append(("dropped (\(reason))", isCounted ? shown : "\(count): \(shown)"))
    }
    return list
  }
}
