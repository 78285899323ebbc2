import Canonical
import Containers
import Diagnostics
import JSON
import Layouts
import Opening
import Tensors
import Threads

extension CheckpointPlan {
  /// Hashes source and output, checks that what was only moved is what it was, and describes both.
  /// - Parameters:
  ///   - version: the version of the tool.
  ///   - threads: how many tensors are hashed at a time.
  /// - Returns: the text of the manifest.
  /// - Throws: `Problem` of kind `io` where the output does not hold the moved values.
  /// - Cost: reads every tensor of the output and of the source once, those that are not copied as a
  ///   whole twice.
  public func manifest(
    of output: OpenedModel, from source: OpenedModel, version: String, threads: Int
  ) throws -> String {
    try manifest(
      of: output, from: source, version: version, known: [:], ThreadPool(threads: threads))
  }

  fileprivate func manifest(
    of output: OpenedModel, from source: OpenedModel, version: String,
    known: [String: WrittenShard], _ pool: ThreadPool
  ) throws -> String {
    let records = try HashedTensors(self, source, output, known, pool)
    let document: JSONObject = [
      "schema": .string(Manifest.schema),
      "version": .string(version),
      "layout": .string(output.layout.id),
      "form": .string(output.layout.variant.name),
      "container": .string(container.rawValue),
      "config_sha256": .string(TensorHash.text(config)),
      "origins": .array(origins.map { .object($0.json) }),
      "kept": .array((kept + records.lost).map { .object($0.json) }),
      "sources": .array(records.sources.map { .object($0) }),
      "tensors": .array(records.tensors.map { .object($0) }),
      "files": .array(try Manifest.files(of: output.checkpoint)),
      "dropped": .array(
        dropped.map { .object(["name": .string($0.name), "reason": .string($0.reason)]) }),
    ]
    return JSONValue.object(document).text(indent: 1) + "\n"
  }
}

extension CheckpointRun {
  /// Describes source and output by what came up while tensors were written, and hashes what did not;
  /// checks that what was only moved is what it was.
  /// - Parameter version: the version of the tool.
  /// - Returns: the text of the manifest.
  /// - Throws: `Problem` of kind `io` where the output does not hold the moved values.
  /// - Cost: reads tensors of the source again that were not read from front to back, twice where
  ///   their parts were put in another order; of the output, only what is not in canonical order.
  public func manifest(of opened: OpenedModel, from source: OpenedModel, version: String) throws
    -> String
  {
    try plan.manifest(of: opened, from: source, version: version, known: written, pool)
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
    _ plan: CheckpointPlan, _ source: OpenedModel, _ output: OpenedModel,
    _ known: [String: WrittenShard], _ pool: ThreadPool
  ) throws {
    let seen = known.values.reduce(into: [:]) { $0.merge($1.sources) { first, _ in first } }
    let before = try source.checkpoint.hashes(pool, known: seen)
    sources = source.checkpoint.tensors.map { tensor in
      Self.record(tensor.name, tensor.file, tensor.type, tensor.shape, before[tensor.name] ?? "")
    }
    let check = OutputCheck(
      source: source, output: output,
      hashes: before,
      known: Dictionary(
        known.values.flatMap(\.tensors).map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a }),
      cloned: Set(plan.shards.filter { $0.clone != nil }.flatMap(\.tensors).map(\.name)),
      places: Dictionary(
        output.binding.tensors.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a }))
    let planned = plan.shards.flatMap { shard in shard.tensors.map { (shard.fileName, $0) } }
    let results = try pool.map(planned) { try check.hashed($0.1) }
    lost = plan.keepsValues ? results.flatMap(\.lost) : []
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

/// Compares what was written with what it was made of.
private struct OutputCheck: Sendable {
  let source: OpenedModel
  let output: OpenedModel
  /// The hashes of the tensors of the source.
  let hashes: [String: String]
  /// What came up while tensors were written.
  let known: [String: WrittenTensor]
  /// The tensors of files that are the same as in the source.
  let cloned: Set<String>
  /// The tensors of the output as its layout prescribes them.
  let places: [String: BoundTensor]

  /// The hashes of a written tensor: of its bytes, and of the canonical tensors in it; and what does
  /// not follow from them.
  /// - Throws: `Problem` of kind `io` where it does not hold what was moved.
  func hashed(_ planned: CheckpointPlan.Tensor) throws -> (
    stored: String, parts: [(role: Role, hash: String)], lost: [KeptValues]
  ) {
    guard let written = output.checkpoint.tensor(planned.name) else {
      throw mismatch(planned, "no such tensor")
    }
    let known = known[planned.name]
    let clone = cloned.contains(planned.name) ? hashes[planned.name] : nil
    let stored = try known?.hash ?? clone ?? TensorHash.stored(written.region)
    let isWhole = planned.rule == .copied || planned.rule == .carried
    if isWhole, let origin = planned.origins.first, hashes[origin] != stored {
      throw mismatch(planned, "other bytes than \(origin)")
    }
    let place =
      places[planned.name] ?? output.binding.shared(planned.name, shape: planned.shape)
    let parts = try (place?.parts ?? []).compactMap { part in
      try (known?.roles[part.role.description] ?? output.hash(part.role, stored: stored)).map {
        (part.role, $0)
      }
    }
    for (role, hash) in parts where planned.rule == .rearranged {
      guard try source.hash(role, stored: nil) == hash else {
        throw mismatch(planned, "other values of \(role)")
      }
    }
    return (stored, parts, try lost(planned, parts))
  }

  /// The values of the source that cannot be computed from the written ones.
  private func lost(_ planned: CheckpointPlan.Tensor, _ parts: [(role: Role, hash: String)])
    throws -> [KeptValues]
  {
    guard planned.rule == .computed(planned.type), case .move(let move) = planned.content else {
      return []
    }
    return try zip(move.target.parts, move.pieces).compactMap { part, piece in
      guard let hash = parts.first(where: { $0.role == part.role })?.hash,
        let bytes = try piece.lostBytes(writtenAs: move.type)
      else { return nil }
      return KeptValues(
        role: part.role.description,
        form: KeptValues.form(
          part.role, source.canonical.tensors[part.role]?.steps ?? [], in: source.configuration),
        hash: hash, type: piece.source.type, bytes: bytes)
    }
  }

  private func mismatch(_ planned: CheckpointPlan.Tensor, _ found: String) -> Problem {
    Problem(
      .io, "the output does not hold what was written", tensor: planned.name, found: found,
      remedy: "check the storage and try again")
  }
}

extension CheckpointPlan.Tensor {
  /// The names of the tensors it is made of.
  fileprivate var origins: [String] {
    switch content {
    case .stored(let tensor): [tensor.name]
    case .move(let move):
      move.pieces.map(\.source.origin).reduce(into: []) { names, name in
        if name != CanonicalTensor.newOrigin, !names.contains(name) { names.append(name) }
      }
    }
  }
}

extension OpenedModel {
  /// The canonical hash of a role.
  /// - Parameter stored: the hash of the stored tensor, where it is known.
  fileprivate func hash(_ role: Role, stored: String?) throws -> String? {
    guard let tensor = canonical.tensors[role] ?? shared(role) else { return nil }
    if let stored, TensorHash.isStoredForm(tensor) { return stored }
    return try TensorHash.canonical(
      tensor,
      isZeroCentred: configuration.isCentred(role))
  }
}
