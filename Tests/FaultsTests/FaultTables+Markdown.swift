import Foundation
import Verification

extension FaultTables {
  /// One line for each fault.
  var faultTable: String {
    Self.table(
      [
        "fault", "what is wrong", "output alone", "diff", "f32", "bf16", "layer", "recorded",
        "over gate", "over floor", "missed by",
      ],
      FaultCatalogue.faults.compactMap { fault in
        let found = results.filter { $0.fault.id == fault.id }
        return found.first.map { line(fault, $0, found) }
      })
  }

  private func line(_ fault: Fault, _ first: FaultResult, _ found: [FaultResult]) -> [String] {
    func share(_ name: String) -> String {
      let runs = found.filter { name == "diff" || $0.findings.source != nil }
      let seen = runs.filter { $0.detectors.contains(name) }.count
      return runs.isEmpty ? "–" : "\(seen)/\(runs.count)"
    }
    let placed = found.compactMap { $0.isPlaced($0.findings.source) }
    let report = first.findings.source
    let link = fault.seen.map { "[\(fault.what)](\($0))" } ?? fault.what
    return [
      "`\(fault.id)`", link, alone(found), share("diff"), share("verify f32"),
      share("verify bf16"), placed.isEmpty ? "–" : "\(placed.filter { $0 }.count)/\(placed.count)",
      share("reference"), report.map { Self.number($0.excess) } ?? "–",
      report.map { Self.number($0.logits.maxAbs / max(first.floor, 1e-9)) } ?? "–",
      missed(first).map { $0.isEmpty ? "none" : $0.joined(separator: "; ") } ?? "–",
    ]
  }

  private func alone(_ found: [FaultResult]) -> String {
    let names = ["refused", "sign", "audit", "convert"].compactMap { name -> String? in
      let count = found.filter { $0.alone.contains(name) }.count
      return count == 0 ? nil : "\(name) \(count)/\(found.count)"
    }
    return names.isEmpty ? "–" : names.joined(separator: ", ")
  }

  /// One line for each mistake of a program.
  func mistakeTable() throws -> String {
    Self.table(
      ["mistake", "what is wrong", "checkpoint", "f32", "bf16", "layer", "named", "over gate"],
      try ImplementationFaults.all.map { fault in
        let report = try ImplementationFaults.report(fault)
        let isSeen = { (report: VerificationReport) in report.passes ? "passes" : "fails" }
        return [
          "`\(fault.id)`", fault.what, "`\(fault.fixture)`", isSeen(report),
          isSeen(try ImplementationFaults.report(fault, gate: .bf16)), "\(fault.layer)",
          report.firstDivergentLayer.map(String.init) ?? "none", Self.number(report.excess),
        ]
      })
  }

  /// How many faults each check misses.
  var peerTable: String {
    func share(_ name: String, _ list: [FaultResult]) -> String {
      let run = list.compactMap(missed)
      return "\(run.filter { $0.contains(name) }.count) of \(run.count)"
    }
    let home = results.filter { $0.base.name == "qwen3_5" }
    func own(_ name: String, _ list: [FaultResult]) -> String {
      let run = list.filter { $0.findings.source != nil && $0.fault.verdict == .fails }
      return "\(run.filter { !$0.detectors.contains(name) }.count) of \(run.count)"
    }
    return Self.table(
      ["check", "who", "misses in qwen3_5", "misses in all"],
      Self.peers.map { [$0.text, $0.who, share($0.name, home), share($0.name, results)] } + [
        ["`graft verify --gate bf16`", "", own("verify bf16", home), own("verify bf16", results)],
        ["`graft verify`", "", own("verify f32", home), own("verify f32", results)],
      ])
  }

  private static let peers = [
    (
      "cosine, short", "cosine ≥ 0.99 of the last token, short prompts",
      "Megatron-Bridge compare.py"
    ),
    ("cosine, long", "the same, long prompt", ""),
    ("NMSE, short", "NMSE < 1e-2 of the last token, short prompts", "llama.cpp check-nmse.py"),
    ("NMSE, long", "the same, long prompt", ""),
    ("perplexity", "perplexity at most 1.05 of the original's", "common practice"),
    ("top 10", "9 of the 10 largest logits of the last token", "MaxText, llama.cpp by eye"),
    ("allclose", "no stored value more than 0.1 off", "Megatron-Bridge round trip"),
  ].map { (name: $0.0, text: $0.1, who: $0.2) }

  /// One line for each base.
  var baseTable: String {
    Self.table(
      ["checkpoint", "from", "weights", "floor", "faults", "caught", "layer right"],
      FaultCatalogue.bases.compactMap { base in
        let found = results.filter { $0.base.name == base.name }
        guard let first = found.first else { return nil }
        let placed = found.compactMap { $0.isPlaced($0.findings.source) }
        return [
          base.name, "`\(base.fixture)`", base.isTrained ? "trained" : "random",
          Self.number(first.floor), "\(found.count)",
          "\(found.filter { !$0.detectors.isEmpty }.count)",
          "\(placed.filter { $0 }.count)/\(placed.count)",
        ]
      })
  }

  static func number(_ value: Double) -> String {
    value == 0 ? "0" : String(format: value >= 1e4 || value < 0.01 ? "%.1e" : "%.3g", value)
  }

  static func table(_ head: [String], _ rows: [[String]]) -> String {
    ([head, head.map { _ in "---" }] + rows).map { "| \($0.joined(separator: " | ")) |" }
      .joined(separator: "\n")
  }
}
