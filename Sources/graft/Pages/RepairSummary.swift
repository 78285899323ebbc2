import Comparison
import Conversion
import Diagnostics
import JSON
import Reports

/// What `graft repair` tells of what it mends, and of what it leaves.
struct RepairSummary {
  private let mends: [Mend]
  private let left: [AuditFinding]
  /// How many tensors were seen to hold the bytes that they held; nil where nothing was written.
  private let unchanged: Int?

  init(_ mends: [Mend], left: [AuditFinding], unchanged: Int? = nil) {
    (self.mends, self.left, self.unchanged) = (mends, left, unchanged)
  }

  /// How many things are mended, in words.
  static func count(_ mends: [Mend]) -> String { Quantity.of(mends.count, "finding") }

  /// The outcome of a run that writes nothing.
  func outcome(headline: String) -> Outcome {
    var outcome = Outcome(json: ["written": .bool(false)], text: [headline])
    add(to: &outcome)
    return outcome
  }

  /// Adds each mend, what was proved and what is left.
  func add(to outcome: inout Outcome) {
    outcome.json["mends"] = .array(mends.map { .object(document($0)) })
    outcome.json["left"] = .array(left.map { .object(AuditSummary.document($0)) })
    outcome.json["unchanged_tensors"] = unchanged.map { JSONValue($0) } ?? .null
    outcome.text += lines.map { "  finding mended: \($0)" }
    if let unchanged {
      outcome.text.append(
        "  proved: \(Quantity.of(unchanged, "other tensor")) kept every byte, "
          + "and an audit finds nothing of what was mended any more")
    }
    outcome.text += AuditSummary.lines(left).map { "  finding left: \($0)" }
  }

  /// One line for each kind of mend, tensors folded, with the values of the first.
  private var lines: [String] {
    var order: [String] = []
    var groups: [String: [Mend]] = [:]
    for mend in mends {
      let key = mend.tensor == nil ? "\(mend.text) \(mend.file)" : mend.text
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(mend)
    }
    return order.compactMap { groups[$0] }.map(line)
  }

  private func line(_ mends: [Mend]) -> String {
    let names = NameFolding.fold(mends.compactMap(\.tensor)).joined(separator: ", ")
    let files = Set(mends.map(\.file)).sorted().joined(separator: ", ")
    let values = mends[0].before.map { ": \($0) → \(mends[0].after ?? "removed")" } ?? ""
    let which = mends.count > 1 ? " in the first" : ""
    return "\(mends[0].text)\(values)\(which): "
      + (names.isEmpty ? files : "\(names) in \(files)")
  }

  private func document(_ mend: Mend) -> JSONObject {
    [
      "kind": .string(mend.kind.rawValue), "tensor": mend.tensor.map { .string($0) } ?? .null,
      "file": .string(mend.file), "text": .string(mend.text),
      "before": mend.before.map { .string($0) } ?? .null,
      "after": mend.after.map { .string($0) } ?? .null,
    ]
  }
}
