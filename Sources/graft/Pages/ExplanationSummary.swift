import Comparison
import Conversion
import Diagnostics
import JSON
import Opening
import Reports

/// What `convert --explain` reports.
struct ExplanationSummary {
  private let source: String
  private let explanations: [ConversionExplanation]
  private let adapters: [AdapterRecord]
  private let isDetailed: Bool

  /// - Parameter adapters: what was merged into the source.
  init(
    _ source: String, _ explanations: [ConversionExplanation], adapters: [AdapterRecord],
    isDetailed: Bool
  ) {
    (self.source, self.explanations, self.adapters) = (source, explanations, adapters)
    self.isDetailed = isDetailed
  }

  /// If one layout was asked for, the exit code tells whether it can hold the model.
  var outcome: Outcome {
    var json: JSONObject = [
      "from": .string(source), "to": .array(explanations.map { .object($0.json) }),
    ]
    if !adapters.isEmpty { json["adapters"] = .array(adapters.map { .object($0.wholeJSON) }) }
    return Outcome(
      json: json,
      text: adapters.flatMap(\.lines)
        + (isDetailed ? explanations.flatMap(details) : explanations.flatMap(lines)),
      exitCode: isDetailed
        ? explanations.lazy.compactMap { $0.reasons.first?.exitCode }.first ?? 0 : 0)
  }

  private func headline(_ explanation: ConversionExplanation) -> String {
    let count = explanation.reasons.count
    return "\(source) → \(explanation.layout): "
      + (count == 0 ? "exact" : "refused for \(Quantity.of(count, "reason"))")
  }

  private func lines(_ explanation: ConversionExplanation) -> [String] {
    [headline(explanation)] + explanation.reasons.map { "  \($0.line)" }
  }

  private func details(_ explanation: ConversionExplanation) -> [String] {
    var table = TextTable(header: ["fact", "layers", "here", "there", ""], leading: 5)
    for row in explanation.facts {
      table.add([
        row.fact, row.layerText, row.here.text,
        row.verdict == .unsaid || row.verdict == .limited ? "-" : row.there.text,
        row.verdict == .same ? "" : row.verdict.rawValue,
      ])
    }
    var lines = lines(explanation) + [""] + table.lines(width: Terminal.columns)
    if let plan = explanation.plan {
      let rules = Dictionary(grouping: plan.shards.flatMap(\.tensors), by: \.rule.text)
      lines +=
        [""]
        + rules.sorted { $0.key < $1.key }
        .map { "  \($0.key): \(Quantity.of($0.value.count, "tensor"))" }
    }
    return lines
  }
}

extension Problem {
  /// The problem in one line.
  fileprivate var line: String {
    [what, tensor, expected.map { "expected \($0)" }, found.map { "found \($0)" }]
      .compactMap { $0 }.joined(separator: "; ")
  }
}

extension ConversionExplanation {
  /// The comparison as the fields of a document.
  fileprivate var json: JSONObject {
    [
      "layout": .string(layout),
      "exact": .bool(reasons.isEmpty),
      "reasons": .array(reasons.map { .object($0.json) }),
      "facts": .array(facts.map { .object($0.json) }),
    ]
  }
}

extension LayoutComparison.Row {
  fileprivate var json: JSONObject {
    [
      "fact": .string(fact),
      "layers": .array(layers.map { JSONValue($0) }),
      "here": here.json,
      "there": there.json,
      "verdict": .string(verdict.rawValue),
    ]
  }
}
