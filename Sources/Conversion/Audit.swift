import Containers
import Diagnostics
import SystemPackage
import Tensors
import Threads

/// One thing about a checkpoint that a sound one does not have.
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
/// - Cost: one pass over all bytes, two where there is a manifest; memory for one chunk per thread.
public struct Audit: Sendable {
  /// What was found, file by file.
  public let findings: [AuditFinding]
  /// The tensors whose values were looked at.
  public let tensors: Int
  /// The tensors whose hashes were compared with a manifest.
  public let hashed: Int

  /// Looks at the tensors of a checkpoint, `threads` at a time.
  /// - Throws: `Problem` of kind `io` where bytes cannot be read.
  public init(_ checkpoint: StoredCheckpoint, threads: Int) throws {
    let pool = ThreadPool(threads: threads)
    let looks = try pool.map(checkpoint.tensors) { tensor in
      try TensorStatistics(tensor).map { Self.findings($0, tensor) }
    }
    tensors = looks.reduce(0) { $0 + ($1 == nil ? 0 : 1) }
    let recorded = RecordedHashes(checkpoint)
    let comparison = try recorded?.compared(with: checkpoint, pool)
    hashed = comparison?.hashed ?? 0
    findings = looks.flatMap { $0 ?? [] } + (comparison?.findings ?? [])
  }

  /// Whether anything was found that cannot be meant.
  public var hasErrors: Bool { findings.contains { $0.severity == .error } }

  private static func findings(_ statistics: TensorStatistics, _ tensor: StoredTensor)
    -> [AuditFinding]
  {
    func finding(_ severity: AuditFinding.Severity, _ kind: String, _ text: String)
      -> AuditFinding
    {
      AuditFinding(
        severity: severity, kind: kind, tensor: tensor.name, file: tensor.file, text: text)
    }
    var findings: [AuditFinding] = []
    if statistics.nans > 0 {
      findings.append(finding(.error, "nan", "\(statistics.nans) of \(statistics.count) are NaN"))
    }
    if statistics.infinities > 0 {
      findings.append(
        finding(
          .error, "infinite", "\(statistics.infinities) of \(statistics.count) are infinite"))
    }
    if statistics.isConstant, statistics.count > 1 {
      findings.append(constant(statistics, tensor, finding))
    } else if let text = tail(statistics, tensor) {
      findings.append(finding(text.severity, "zero_tail", text.text))
    }
    if statistics.prominence > largestProminence {
      findings.append(
        finding(
          .error, "outlier",
          "a value of magnitude \(statistics.peak), \(Int(min(statistics.prominence, 1e18))) times the others"
        ))
    }
    return findings
  }

  /// Trained weights stay far below this; a flipped bit of an exponent goes far beyond.
  private static let largestProminence = 1000.0

  /// Fresh vectors (norms, biases) may be constant, trained matrices are not.
  private static func constant(
    _ statistics: TensorStatistics, _ tensor: StoredTensor,
    _ finding: (AuditFinding.Severity, String, String) -> AuditFinding
  ) -> AuditFinding {
    let isVector = tensor.shape.filter { $0 > 1 }.count <= 1
    return statistics.most == 0
      ? finding(isVector ? .warning : .error, "zero", "all \(statistics.count) values are zero")
      : finding(
        isVector ? .warning : .error, "constant",
        "all \(statistics.count) values are \(statistics.most)")
  }

  /// Zeros up to the end: a file that was not filled ends within a row, padding ends with rows.
  private static func tail(_ statistics: TensorStatistics, _ tensor: StoredTensor) -> (
    severity: AuditFinding.Severity, text: String
  )? {
    let row = tensor.shape.last ?? 1
    guard tensor.shape.count > 1, statistics.trailingZeros >= shortestTail else { return nil }
    let isWholeRows = statistics.trailingZeros % row == 0
    return (
      isWholeRows ? .warning : .error,
      "the last \(statistics.trailingZeros) of \(statistics.count) values are zero"
        + (isWholeRows ? ", in whole rows" : "")
    )
  }

  /// Fewer zeros than this at the end are chance.
  private static let shortestTail = 16
}
