import Canonical
import Containers
import JSON
import Layouts
import Opening
import SystemPackage
import Tensors
import Threads

/// The record of a conversion, `graft.json`: what was read, what was written, and how each tensor came
/// about.
struct ConversionRecord {
  /// The text of the file.
  let text: String

  /// Describes every tensor of source and output by its hash, taken while tensors were written or else
  /// computed here, and checks that tensors which were only moved still hold the same values.
  /// - Parameters:
  ///   - version: the version of the tool.
  ///   - known: what is known of the weight files.
  /// - Throws: `Problem` of kind `io` where the output does not hold the moved values.
  /// - Cost: reads tensors of the source once more that were not read from front to back; of the output,
  ///   only what is not in canonical order. All of both where nothing is known.
  init(
    _ plan: CheckpointPlan, of output: OpenedModel, _ version: String,
    known: [String: WrittenShard] = [:], _ pool: ThreadPool
  ) throws {
    let records = try HashedTensors(plan, output, known, pool)
    var document: JSONObject = [
      "schema": .string(Manifest.schema),
      "version": .string(version),
      "layout": .string(output.layout.id),
      "form": .string(output.layout.form.name),
      "container": .string(plan.container.rawValue),
      "config_sha256": .string(TensorHash.text(output.checkpoint.configBytes ?? plan.config)),
      "origins": .array(plan.origins.map { .object($0.json) }),
      "kept": .array((plan.kept + records.lost).map { .object($0.json) }),
      "sources": .array(records.sources.map { .object($0) }),
      "tensors": .array(records.tensors.map { .object($0) }),
      "files": .array(try Manifest.files(of: output.checkpoint)),
      "dropped": .array(
        plan.dropped.map { .object(["name": .string($0.name), "reason": .string($0.reason)]) }),
    ]
    if !plan.composedOf.isEmpty {
      document["composed_of"] = .array(plan.composedOf.map { .object($0.json) })
    }
    if !plan.source.adapters.isEmpty {
      document["adapters"] = .array(plan.source.adapters.map { .object($0.json) })
    }
    document["layout_file"] = plan.layoutFile.map { .object($0.json) }
    text = JSONValue.object(document).text(indent: 1) + "\n"
  }
}

extension ComposedSource {
  fileprivate var json: JSONObject {
    [
      "what": .string(isCopy ? "copy" : "origin"), "layout": .string(layout),
      "files": .array(files.map { .string($0) }),
    ]
  }
}

extension LayoutFile.Record {
  /// The name of a file in the record, without its folder, which is meaningless on another machine.
  var json: JSONObject {
    [
      "name": .string(FilePath(name).lastComponent?.string ?? name), "sha256": .string(sha256),
    ]
  }
}

/// The tensors of a plan with their hashes.
private struct HashedTensors {
  /// Every tensor of the source.
  let sources: [JSONObject]
  /// Every tensor of the output.
  let tensors: [JSONObject]
  /// The values of the source that do not follow from those of the output.
  let lost: [KeptValues]

  init(
    _ plan: CheckpointPlan, _ output: OpenedModel, _ known: [String: WrittenShard],
    _ pool: ThreadPool
  ) throws {
    // Hashes of the source: those taken while it was read, all others computed now.
    let source = plan.source
    let seen = known.values.reduce(into: [:]) { $0.merge($1.sources) { first, _ in first } }
    let taken = try SourceHashes(source, known: seen, pool)
    let before = taken.stored
    let files = source.unchanged ?? source.stored
    let own = before.filter { !source.changedNames.contains($0.key) }
    let hashes = source.unchanged == nil ? before : try files.hashes(pool, known: own)
    sources = files.tensors.map { tensor in
      Self.record(tensor.name, tensor.file, tensor.type, tensor.shape, hashes[tensor.name] ?? "")
    }
    // The output is compared with them, tensor by tensor.
    let check = OutputCheck(
      source: taken, output: output,
      known: Dictionary(
        known.values.flatMap(\.tensors).map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a }),
      cloned: Set(plan.shards.filter { $0.clone != nil }.flatMap(\.tensors).map(\.name)),
      places: Dictionary(
        output.binding.tensors.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a }))
    let planned = plan.shards.flatMap { shard in shard.tensors.map { (shard.fileName, $0) } }
    let results = try pool.map(planned) { try check.hashed($0.1) }
    lost = plan.keepsValues ? results.flatMap(\.lost) : []
    // What the record says of each tensor: its rule, what it was made of, the canonical tensors it holds.
    tensors = zip(planned, results).map { planned, result in
      let (file, tensor) = planned
      var record = Self.record(tensor.name, file, tensor.type, tensor.shape, result.stored)
      record["rule"] = .string(tensor.rule.text)
      record["from"] = .array(tensor.origins.map { .string($0) })
      record["holds"] = .array(
        result.parts.map {
          .object(["role": .string($0.role.description), "sha256": .string($0.hash)])
        })
      return record
    }
  }

  private static func record(
    _ name: String, _ file: String, _ type: ScalarType, _ shape: [Int], _ hash: String
  ) -> JSONObject {
    [
      "name": .string(name), "file": .string(file), "dtype": .string(type.rawValue),
      "shape": .array(shape.map { JSONValue($0) }), "sha256": .string(hash),
    ]
  }
}

extension CheckpointPlan.Tensor {
  /// The names of the tensors it is made of.
  var origins: [String] {
    switch content {
    case .stored(let tensor): [tensor.name]
    case .part(_, let repacking): repacking.move.origins
    case .move(let move): move.origins
    case .encoded(let encoded): encoded.move.origins
    }
  }
}

extension TensorMove {
  /// The names of the tensors it is made of.
  fileprivate var origins: [String] {
    parts.map(\.source.origin).reduce(into: []) { names, name in
      if name != CanonicalTensor.newOrigin, !names.contains(name) { names.append(name) }
    }
  }
}
