import Comparison
import Containers
import Diagnostics
import Layouts
import Opening
import Tensors
import Threads

/// What is wrong with a checkpoint, what of it can be put right, and how.
public struct Repair: Sendable {
  /// The checkpoint, read as it should be.
  public let source: OpenedModel
  /// What an audit of it finds.
  public let findings: [AuditFinding]
  /// What is put right, in the order of the findings.
  public let mends: [Mend]
  /// The tensors that get other values, by name.
  let tensors: [String: StoredTensor]
  /// Whether the files say for which library they are only in the output.
  let mendsMetadata: Bool
  private let options: RepairOptions

  /// Looks at a checkpoint.
  /// - Parameter progress: called by several threads with the bytes that were read.
  /// - Throws: `Problem` where the checkpoint cannot be read, and no change of its config mends that.
  /// - Cost: one pass over all bytes; memory for one chunk per thread, and for norms and decay rates.
  public init(
    _ stored: StoredCheckpoint, _ options: RepairOptions, catalogue: LayoutCatalogue,
    progress: @Sendable (Int) -> Void = { _ in }
  ) throws {
    try Self.checkAssumptions(options.assuming)
    let config = try RepairedConfig(Self.unwrapped(stored, options, catalogue), options, catalogue)
    (source, self.options) = (config.model, options)
    try source.layout.requireUnderstood()
    try source.checkpoint.checkPayload()
    findings = try Audit(source, threads: options.threads, progress: progress).findings
    let wrong = try source.misstored()
    let narrow = source.plainType(except: Set(wrong.map(\.name)))
    let mended = try wrong.compactMap {
      try MendedTensor(
        $0, in: config.model, narrow: narrow, allowsLoss: options.allowsLoss)
    }
    tensors = config.cut.merging(mended.map { ($0.stored.name, $0.stored) }) { $1 }
    let metadata = source.metadataMends
    mendsMetadata = !metadata.isEmpty || config.changesMetadata
    mends = config.mends + source.nameMends + metadata + mended.map(\.mend)
  }

  /// Values are put right where they lie; heads would have to move.
  private static func checkAssumptions(_ assumptions: [Assumption]) throws {
    let ofConfig = assumptions.compactMap { assumption -> String? in
      if case .lostFact(let name, _) = assumption { name } else { nil }
    }
    if let name = ofConfig.first {
      throw Problem(
        .usage, "repair does not write metadata anew",
        expected:
          "--assume with norm-offset, trunk-norm-offset, mtp-norm-offset, A_log or index-block",
        found: name, remedy: "use graft convert, which does")
    }
    guard assumptions.contains(where: { if case .valueHeads = $0 { true } else { false } }) else {
      return
    }
    throw Problem(
      .usage, "repair does not put heads into another order",
      expected:
        "--assume with norm-offset, trunk-norm-offset, mtp-norm-offset, A_log or index-block",
      found: "value-heads", remedy: "use graft convert, which does")
  }

  /// A checkpoint with packed weights under the names that they should have; any other as it is, whose
  /// names are mended when it is opened.
  private static func unwrapped(
    _ stored: StoredCheckpoint, _ options: RepairOptions, _ catalogue: LayoutCatalogue
  ) throws -> StoredCheckpoint {
    guard
      let model = try? OpenedModel(
        stored, from: options.from, allowing: options.allowed, catalogue: catalogue),
      model.packing != nil
    else { return stored }
    var stored = stored
    while stored.takenOff != model.checkpoint.takenOff, let inner = stored.unwrapped {
      stored = inner
    }
    return stored
  }

  /// What is left as it is: what an audit finds that cannot be put right, and bytes that are not those of
  /// the record that lay beside the source.
  /// - Parameter repaired: the checkpoint as it is after the repair.
  public func left(in repaired: OpenedModel) throws -> [AuditFinding] {
    let strange = findings.filter { finding in
      finding.kind == Self.hashKind && finding.tensor.map { tensors[$0] == nil } ?? false
    }
    return try strange
      + Audit(repaired, threads: options.threads).findings.filter { $0.kind != Self.hashKind }
  }

  /// The findings about a record, which the output has one of its own of.
  private static let hashKind = "hash"

  /// The checkpoint as it will be, in memory.
  public func repaired(_ catalogue: LayoutCatalogue) throws -> OpenedModel {
    try OpenedModel(
      source.stored.replacing { tensors[$0.name] ?? $0 }, from: options.from,
      allowing: options.allowed, catalogue: catalogue)
  }

  /// What is to be written.
  /// - Throws: `Problem` where it cannot be.
  public func plan() throws -> CheckpointPlan {
    try CheckpointPlan(repairing: self, allowsCode: options.allowsCode)
  }

  /// Refuses an output in which something is still wrong that was to be put right.
  /// - Returns: how many tensors hold the bytes that they held.
  /// - Throws: `Problem` of kind `unsupported` or `io`.
  public func prove(_ output: OpenedModel) throws -> Int {
    let wrong = try output.misstored().map(\.name) + RepairedConfig.corrections(output).map(\.key)
    guard wrong.isEmpty else {
      throw Problem(
        .unsupported, "the output would not be right after the repair",
        tensor: NameFolding.summary(wrong),
        remedy: "say how values are stored with --assume, or take the original")
    }
    return try unchanged(in: output)
  }

  private func unchanged(in output: OpenedModel) throws -> Int {
    let pool = ThreadPool(threads: options.threads)
    let (before, after) = (try source.stored.hashes(pool), try output.stored.hashes(pool))
    let kept = before.filter { tensors[$0.key] == nil && after[$0.key] != nil }
    for (name, hash) in kept.sorted(by: { $0.key < $1.key }) where after[name] != hash {
      throw Problem(
        .io, "the output does not hold what was written", tensor: name,
        found: "other bytes than in the source", remedy: "check the storage and try again")
    }
    return kept.count
  }
}

extension OpenedModel {
  /// The type that most plain values have; F32 in files that store norms so whatever their type was.
  fileprivate func plainType(except names: Set<String>) -> ScalarType {
    guard !checkpoint.container.hasMetadata else { return .f32 }
    let counts = stored.tensors.filter { $0.type.isFloat && !names.contains($0.name) }
      .reduce(into: [ScalarType: Int]()) { $0[$1.type, default: 0] += $1.elementCount }
    return counts.max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }?.key ?? .f32
  }

  /// What was taken off names so that the layout knows them.
  fileprivate var nameMends: [Mend] {
    checkpoint.takenOff.map { Mend(.names, file: checkpoint.weightsPath.string, $0) }
  }

  fileprivate var metadataMends: [Mend] {
    strangeMetadata.map { one in
      Mend(
        .metadata, file: one.file, "\(one.key) of the file set", before: one.found ?? "not given",
        after: one.due)
    }
  }
}
