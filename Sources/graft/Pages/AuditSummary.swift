import Comparison
import Diagnostics
import JSON
import Reports

/// What `inspect --audit` adds to the report.
struct AuditSummary {
  private let audit: Audit

  init(_ audit: Audit) { self.audit = audit }

  /// Adds the findings, and exit code 1 where one is an error.
  func add(to outcome: inout Outcome) {
    outcome.json["audit"] = .object([
      "tensors": JSONValue(audit.tensors),
      "hashed": JSONValue(audit.hashed),
      "findings": .array(audit.findings.map { .object(Self.document($0)) }),
    ])
    outcome.text += ["", headline] + lines.map { "    \($0)" }
    if audit.hasErrors { outcome.exitCode = 1 }
  }

  private var headline: String {
    "  audit       values of \(Quantity.of(audit.tensors, "tensor"))"
      + (audit.hashed > 0 ? ", hashes of \(Quantity.count(audit.hashed))" : "")
      + ": " + (audit.findings.isEmpty ? "nothing found" : "")
  }

  private var lines: [String] { Self.lines(audit.findings) }

  /// One line for each kind of finding with the same text, tensors folded.
  static func lines(_ findings: [AuditFinding]) -> [String] {
    var order: [AuditFinding] = []
    var names: [AuditFinding: [String]] = [:]
    for finding in findings {
      let key = AuditFinding(
        severity: finding.severity, kind: finding.kind, tensor: nil, file: finding.file,
        text: finding.text)
      if names[key] == nil { order.append(key) }
      names[key, default: []] += finding.tensor.map { [$0] } ?? []
    }
    return order.map { key in
      let tensors = NameFolding.fold(names[key] ?? []).joined(separator: ", ")
      return "\(key.severity.rawValue): \(key.text): "
        + (tensors.isEmpty ? key.file : "\(tensors) in \(key.file)")
    }
  }

  /// The findings on a page.
  var section: Page.Section {
    Page.Section("Audit", [.lines(([headline] + lines).map { String($0.drop { $0 == " " }) })])
  }

  /// A finding as the fields of a document.
  static func document(_ finding: AuditFinding) -> JSONObject {
    [
      "severity": .string(finding.severity.rawValue), "kind": .string(finding.kind),
      "tensor": finding.tensor.map { .string($0) } ?? .null, "file": .string(finding.file),
      "text": .string(finding.text),
    ]
  }
}
