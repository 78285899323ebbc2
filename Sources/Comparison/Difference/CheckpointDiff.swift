import Canonical
import Containers
import Diagnostics
import JSON
import Layouts
import Opening
import Tensors
import Threads

/// What differs between two checkpoints, found without running either.
public struct CheckpointDiff: Sendable {
  /// What tensors are matched by.
  public enum Basis: String, Sendable {
    /// Stored names, for two checkpoints of one layout or of none that is known.
    case names
    /// Canonical roles, for two layouts.
    case roles
  }

  /// The tensor of one side.
  public struct Side: Hashable, Sendable {
    /// The type of its elements.
    public let type: ScalarType
    /// Its shape.
    public let shape: [Int]
  }

  /// A tensor that differs, or is on one side only.
  public struct Tensor: Sendable {
    /// The stored name or the canonical role.
    public let name: String
    /// What it is here and there; nil where it is not.
    public let here, there: Side?
    /// How far the values are apart; nil where shapes cannot be compared.
    public let values: ValueDifference?
  }

  /// A config key, or a fact of the model, that differs.
  public struct Statement: Hashable, Sendable {
    /// The path of the key, or the fact and its layer.
    public let key: String
    /// What is said here and there; nil where nothing is.
    public let here, there: String?
  }

  /// A file beside the weights that differs, or is on one side only.
  public struct File: Hashable, Sendable {
    /// The name.
    public let name: String
    /// Whether it is here and there.
    public let isHere, isThere: Bool
  }

  /// What tensors were matched by.
  public let basis: Basis
  /// The number of tensors that were compared.
  public let compared: Int
  /// The tensors that differ, in the order of the first checkpoint.
  public let tensors: [Tensor]
  /// What the configs say differently.
  public let config: [Statement]
  /// The files beside the weights that differ.
  public let files: [File]

  /// Whether nothing differs.
  public var isSame: Bool { tensors.isEmpty && config.isEmpty && files.isEmpty }

  /// Compares two models: by stored names where both have the same layout with the same sizes of its own,
  /// else by canonical roles.
  /// - Parameter progress: called by several threads with the bytes of the first that were compared.
  /// - Throws: `Problem` of kind `io` where bytes cannot be read.
  /// - Cost: one pass over both; memory for two windows per thread.
  public init(
    _ a: OpenedModel, _ b: OpenedModel, threads: Int, progress: @Sendable (Int) -> Void = { _ in }
  ) throws {
    guard a.layout.id != b.layout.id || a.configuration.sizes != b.configuration.sizes else {
      try self.init(
        a.checkpoint, b.checkpoint, leaving: a.silent.union(b.silent), threads: threads,
        progress: progress)
      return
    }
    let facts = a.configuration.disagreements(with: b.configuration).map { row in
      Statement(
        key: row.fact + (row.layer.map { " of layer \($0)" } ?? ""), here: row.here.text,
        there: row.there.text)
    }
    let (here, there) = a.sharedTensors(with: b)
    try self.init(
      MatchedTensors(
        by: .roles, here: ComparedTensors(a.canonical, here),
        there: ComparedTensors(b.canonical, there)),
      config: facts, files: Self.files(a.checkpoint, b.checkpoint), threads: threads,
      progress: progress)
  }

  /// Compares two checkpoints by stored names.
  /// - Parameters:
  ///   - silent: the names of tensors that say nothing of either.
  ///   - progress: called by several threads with the bytes of the first that were compared.
  /// - Throws: `Problem` of kind `io` where bytes cannot be read.
  public init(
    _ a: StoredCheckpoint, _ b: StoredCheckpoint, leaving silent: Set<String> = [], threads: Int,
    progress: @Sendable (Int) -> Void = { _ in }
  ) throws {
    try self.init(
      MatchedTensors(
        by: .names, here: ComparedTensors(a, silent), there: ComparedTensors(b, silent)),
      config: Self.statements(a.config, b.config), files: Self.files(a, b), threads: threads,
      progress: progress)
  }

  private init(
    _ matched: MatchedTensors, config: [Statement], files: [File], threads: Int,
    progress: @Sendable (Int) -> Void
  ) throws {
    let (here, there) = (matched.here, matched.there)
    let names = here.names + there.names.filter { here.byName[$0] == nil }
    let rows = try ThreadPool(threads: threads).map(names) { name in
      let tensor = here.byName[name]
      defer { progress(tensor.map { $0.count * $0.type.bitWidth / 8 } ?? 0) }
      return try Self.tensor(name, tensor, there.byName[name])
    }
    basis = matched.basis
    compared = here.names.filter { there.byName[$0] != nil }.count
    tensors = rows.compactMap(\.self)
    self.config = config
    self.files = files
  }

  /// The row of a tensor; nil where it does not differ.
  private static func tensor(_ name: String, _ a: CanonicalTensor?, _ b: CanonicalTensor?) throws
    -> Tensor?
  {
    func side(_ tensor: CanonicalTensor?) -> Side? {
      tensor.map { Side(type: $0.type, shape: $0.shape) }
    }
    let row: Tensor
    if let a, let b, a.shape == b.shape {
      row = Tensor(
        name: name, here: side(a), there: side(b), values: try ValueDifference(a, b))
    } else {
      row = Tensor(name: name, here: side(a), there: side(b), values: nil)
    }
    return row.here == row.there && row.values?.changed == 0 ? nil : row
  }
}

/// The tensors of two checkpoints that are compared.
private struct MatchedTensors: Sendable {
  let basis: CheckpointDiff.Basis
  let here, there: ComparedTensors

  init(by basis: CheckpointDiff.Basis, here: ComparedTensors, there: ComparedTensors) {
    (self.basis, self.here, self.there) = (basis, here, there)
  }
}

/// The tensors of one side, by what they are matched by.
private struct ComparedTensors: Sendable {
  let names: [String]
  let byName: [String: CanonicalTensor]

  init(_ checkpoint: StoredCheckpoint, _ silent: Set<String>) {
    let tensors = checkpoint.tensors.filter { !silent.contains($0.name) }
    names = tensors.map(\.name)
    byName = Dictionary(
      tensors.map { ($0.name, CanonicalTensor(whole: $0)) },
      uniquingKeysWith: { first, _ in first })
  }

  /// Norms count as what they multiply with, whichever way they are stored.
  init(_ model: CanonicalModel, _ carried: [Role: CanonicalTensor]) {
    let tensors = model.withNorms(zeroCentred: false).tensors.merging(carried) { $1 }
      .map { ($0.key.description, $0.value) }
    names = tensors.map(\.0).sorted()
    byName = Dictionary(tensors, uniquingKeysWith: { first, _ in first })
  }
}
