import Canonical
import Diagnostics
import JSON

/// Plain values of a layout file.
enum FormatValue {
  /// What to do where a layout file is wrong.
  static let remedy = "correct the layout file; formats/README.md says what it may hold"

  static func string(_ value: JSONValue) throws -> String {
    guard case .string(let text) = value else { throw wrong(value, "a string") }
    return text
  }

  static func integer(_ value: JSONValue) throws -> Int {
    guard case .integer(let number) = value else { throw wrong(value, "an integer") }
    return Int(number)
  }

  static func array(_ value: JSONValue) throws -> [JSONValue] {
    guard case .array(let values) = value else { throw wrong(value, "an array") }
    return values
  }

  static func size(_ value: JSONValue) throws -> SizeExpression {
    if case .integer(let number) = value { return try SizeExpression(String(number)) }
    return try SizeExpression(string(value))
  }

  static func facts(_ value: JSONValue) throws -> Facts {
    guard case .object(let object) = value else { throw wrong(value, "an object of facts") }
    var facts: Facts = [:]
    for (name, value) in object.entries {
      guard let fact = FactValue(value) else { throw wrong(value, "a fact") }
      facts[try Self.fact(name)] = fact
    }
    return facts
  }

  /// The name of a fact that Graft knows.
  static func fact(_ name: String) throws -> String {
    guard FactNames.all.contains(name) else {
      throw Problem(.invalid, "a layout file names an unknown fact", found: name)
    }
    return name
  }

  /// A word of a list; `true` and `false` are the truth values.
  static func word(_ text: String) -> JSONValue {
    text == "true" || text == "false" ? .bool(text == "true") : .string(text)
  }

  static func wrong(_ value: JSONValue, _ expected: String) -> Problem {
    Problem(
      .invalid, "a layout file has a value of the wrong kind", expected: expected,
      found: value.text(indent: 0))
  }
}
