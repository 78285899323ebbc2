import Canonical
import Diagnostics
import JSON

/// `derived`: a number that follows from another, `times` the value of a fact or key, over another
/// fact, rounded towards zero.
struct DerivedNumber: Sendable {
  private let fact: String?
  let key: String?
  private let times: Double
  private let over: String?

  init(_ value: JSONValue) throws {
    var rule = try FormatObject(value, "derived")
    fact = try rule.optional("fact", FormatValue.fact(file:))
    key = try rule.optionalString("key")
    times = rule.optional("times")?.number ?? 1
    over = try rule.optional("over", FormatValue.fact(file:))
    try rule.finish()
    guard (fact == nil) != (key == nil) else {
      throw FormatValue.wrong(value, "either a fact or a key")
    }
  }

  /// The number for the other values of a config.
  /// - Throws: `Problem` of kind `invalid` where they do not give it.
  func value(_ object: JSONObject, _ known: Facts) throws -> FactValue {
    let base = base(object, known)
    let divisor = over.map { known[$0]?.json.number ?? 0 } ?? 1
    guard let number = base?.json.number, divisor > 0,
      let result = Int(exactly: (number * times / divisor).rounded(.towardZero))
    else {
      throw Problem(
        .invalid, "the config lacks a key and what its value would follow from",
        expected: fact ?? key)
    }
    return .integer(result)
  }

  /// What the number follows from; nil where the config does not say it.
  func base(_ object: JSONObject, _ known: Facts) -> FactValue? {
    fact.flatMap { known[$0] } ?? key.flatMap { object.value(at: $0) }.flatMap(FactValue.init)
  }
}
