import Canonical
import Diagnostics
import JSON

/// When a rule of a layout applies: a list of clauses over facts that must all hold.
///
/// A clause is `fact`, `!fact`, `fact=value` or `fact!=value`, where `{fact}` as the value stands for
/// that of another fact; `a & b` joins clauses.
public struct Condition: Hashable, Sendable {
  /// The condition as written.
  public let text: String
  private let clauses: [Clause]

  private struct Clause: Hashable {
    let fact: String
    let value: String
    let isNegated: Bool

    /// The fact whose value is compared; nil for a fixed value.
    var other: String? {
      value.hasPrefix("{") && value.hasSuffix("}") ? String(value.dropFirst().dropLast()) : nil
    }

    func value(_ facts: Facts) -> String {
      other.map { (facts[$0] ?? .none).text } ?? value
    }
  }

  /// The condition that always holds.
  public static let always = Condition(text: "", clauses: [])

  private init(text: String, clauses: [Clause]) {
    self.text = text
    self.clauses = clauses
  }

  /// Parses a condition.
  /// - Throws: `Problem` of kind `invalid` for an empty clause.
  public init(_ text: String) throws {
    self.text = text
    clauses = try text.split(separator: "&", omittingEmptySubsequences: false).map { part in
      var clause = part.filter { $0 != " " }[...]
      let isInverted = clause.hasPrefix("!")
      if isInverted { clause = clause.dropFirst() }
      let sides = clause.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let isUnequal = sides.count == 2 && sides[0].hasSuffix("!")
      let fact = isUnequal ? sides[0].dropLast() : sides[0]
      guard !fact.isEmpty else {
        throw Problem(
          .invalid, "not a condition", expected: "fact, !fact, fact=value or fact!=value",
          found: text)
      }
      return Clause(
        fact: String(fact), value: sides.count == 2 ? String(sides[1]) : "true",
        isNegated: isInverted != isUnequal)
    }
  }

  /// Reads a condition from a layout file.
  init(file value: JSONValue) throws { try self.init(FormatValue.string(value)) }

  /// Whether the condition holds for the facts of a model or a layer.
  public func holds(_ facts: Facts) -> Bool {
    clauses.allSatisfy { clause in
      ((facts[clause.fact] ?? .none).text == clause.value(facts)) != clause.isNegated
    }
  }

  /// The names of the facts that are asked for.
  var facts: [String] { clauses.flatMap { [$0.fact] + ($0.other.map { [$0] } ?? []) } }
}
