import Diagnostics
import Opening
import Threads

/// Something in a checkpoint that no sound checkpoint has.
public struct AuditFinding: Hashable, Sendable {
  /// How bad it is.
  public enum Severity: String, Sendable {
    /// It may be meant.
    case warning
    /// It cannot be meant.
    case error
  }

  /// How bad it is.
  public let severity: Severity
  /// What is wrong, such as `nan` or `zero_tail`.
  public let kind: String
  /// The stored name of the tensor; nil for a finding about a file.
  public let tensor: String?
  /// The name of the file.
  public let file: String
  /// What was seen.
  public let text: String

  /// A finding from its parts.
  public init(severity: Severity, kind: String, tensor: String?, file: String, text: String) {
    self.severity = severity
    self.kind = kind
    self.tensor = tensor
    self.file = file
    self.text = text
  }
}

/// A look at every stored value of a checkpoint.
///
/// - Cost: one pass over all bytes, two where there is a manifest or FP8; memory for one chunk per
///   thread.
public struct Audit: Sendable {
  /// What was found, file by file.
  public let findings: [AuditFinding]
  /// The tensors whose values were looked at.
  public let tensors: Int
  /// The tensors whose hashes were compared with a manifest.
  public let hashed: Int

  /// Looks at each tensor of a checkpoint, `threads` at a time, then at what only several tensors, the
  /// config and the layout together show.
  /// - Parameter progress: called by several threads with the bytes that were read, of `bytes(of:)`.
  /// - Throws: `Problem` of kind `io` where bytes cannot be read.
  public init(
    _ model: OpenedModel, threads: Int, progress: @Sendable (Int) -> Void = { _ in }
  ) throws {
    let pool = ThreadPool(threads: threads)
    let checkpoint = model.checkpoint
    let (filled, fresh) = (model.namesWithoutPadding, model.freshValues)
    let (initial, silent) = (model.initialNorms, model.silent)
    let looks = try pool.map(checkpoint.tensors) { tensor in
      guard !silent.contains(tensor.name) else { return [AuditFinding]?.none }
      return try TensorStatistics(tensor, progress: progress).map {
        TensorAudit(
          $0, tensor, mayEndInZeros: !filled.contains(tensor.name),
          fresh: fresh[tensor.name] ?? [], initial: initial[tensor.name] ?? []
        ).findings
      }
    }
    tensors = looks.reduce(0) { $0 + ($1 == nil ? 0 : 1) }
    let recorded = RecordedHashes(model.stored)
    let comparison = try recorded?.compared(with: model.stored, pool, progress: progress)
    hashed = comparison?.hashed ?? 0
    findings =
      try looks.flatMap { $0 ?? [] } + (comparison?.findings ?? []) + model.auditFindings(pool)
  }

  /// Audits a packed checkpoint: the values of tensors that are not packed, and whether each packed weight
  /// has its scales.
  /// - Parameter progress: called by several threads with the bytes that were read.
  /// - Throws: `Problem` of kind `io` where bytes cannot be read.
  public init(
    _ packed: PackedCheckpoint, threads: Int, progress: @Sendable (Int) -> Void = { _ in }
  ) throws {
    let plain = packed.plain
    let looks = try ThreadPool(threads: threads).map(plain) { tensor in
      try TensorStatistics(tensor, progress: progress).map {
        TensorAudit($0, tensor, mayEndInZeros: true).findings
      } ?? []
    }
    tensors = plain.count
    hashed = 0
    findings = try looks.flatMap(\.self) + packed.auditFindings()
  }

  /// How much an audit of a packed checkpoint reads.
  /// - Units: bytes.
  public static func bytes(of packed: PackedCheckpoint) -> Int {
    packed.plain.reduce(0) { $0 + $1.byteCount }
  }

  /// How much an audit reads.
  /// - Units: bytes.
  public static func bytes(of model: OpenedModel) -> Int {
    let checkpoint = model.checkpoint
    let once = checkpoint.tensors.reduce(0) { $0 + $1.byteCount }
    return checkpoint.sidecars.contains(Manifest.fileName) ? 2 * once : once
  }

  /// Whether anything was found that cannot be meant.
  public var hasErrors: Bool { findings.contains { $0.severity == .error } }
}
