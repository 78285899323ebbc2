import Containers
import Diagnostics
import JSON
import Opening
import Platform
import SystemPackage

/// What identifies a conversion: a run may resume an interrupted one only if both are the same conversion.
struct RunIdentity: Hashable, Sendable {
  /// What was asked for, by the names of the command line.
  let options: [String: String]
  /// The hash of the names, sizes and times of the files of the source.
  let source: String
  /// The hash of everything that is planned.
  let plan: String

  /// The identity of a plan.
  /// - Parameters:
  ///   - options: what was asked for, by the names of the command line.
  ///   - version: the version of the tool.
  /// - Throws: `Problem` of kind `missing` where a file of the source is gone.
  init(
    _ plan: CheckpointPlan, options: [String: String], version: String
  ) throws {
    self.options = options
    self.source = TensorHash.text(Array(try Self.state(of: plan.source.checkpoint).utf8))
    let layouts = [plan.source.layout.record, plan.layoutFile].compactMap { $0?.sha256 }
    let adapters = plan.source.adapters.map { JSONValue.object($0.json).text(indent: 0) }
    self.plan = TensorHash.text(
      Array((([version] + layouts + adapters).joined(separator: "\n") + "\n" + plan.summary).utf8))
  }

  private static func state(of source: StoredCheckpoint) throws -> String {
    let paths =
      (source.weightFiles + source.sidecars).map(source.path)
      + (source.configBytes == nil ? [] : [source.configPath])
    return try paths.map { path in
      var status = stat()
      guard stat(path.string, &status) == 0 else {
        throw Problem(
          .missing, "a file of the source is gone", file: path.string,
          remedy: "put it back and run again")
      }
      #if canImport(Darwin)
        let time = status.st_mtimespec
      #else
        let time = status.st_mtim
      #endif
      let name = path.lastComponent?.string ?? ""
      return "\(name) \(status.st_size) \(time.tv_sec).\(time.tv_nsec)\n"
    }.joined()
  }

  /// What differs from another conversion, in words; empty where nothing does.
  func differences(from other: RunIdentity) -> [String] {
    let names = Set(options.keys).union(other.options.keys).sorted()
    let differing = names.filter { options[$0] != other.options[$0] }
    if !differing.isEmpty { return differing.map { "\($0) \(other.options[$0] ?? "not given")" } }
    if source != other.source { return ["another state of the source"] }
    return plan == other.plan ? [] : ["another plan"]
  }
}

extension RunIdentity {
  private static let schema = "graft.journal/1"

  init?(_ value: JSONValue) {
    guard value["schema"]?.string == Self.schema, let source = value["source"]?.string,
      let plan = value["plan"]?.string, let options = value["options"]?.object
    else { return nil }
    self.source = source
    self.plan = plan
    self.options = Dictionary(
      options.entries.compactMap { key, value in value.string.map { (key, $0) } },
      uniquingKeysWith: { first, _ in first })
  }

  var json: JSONValue {
    .object([
      "schema": .string(Self.schema), "source": .string(source), "plan": .string(plan),
      "options": .object(
        JSONObject(options.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })),
    ])
  }
}

extension CheckpointPlan {
  /// Everything that decides what is written, as text.
  fileprivate var summary: String {
    let tensors = shards.map { shard in
      shard.fileName + "\n"
        + shard.tensors.map { "\($0.name) \($0.type.rawValue) \($0.shape) \($0.rule.text)\n" }
        .joined()
    }
    return "\(layout) \(container.rawValue) \(keys.text) \(TensorHash.text(config))\n"
      + tensors.joined()
  }
}
