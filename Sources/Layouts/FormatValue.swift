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

  /// What each value of a list says.
  static func list<Result>(_ value: JSONValue, _ body: (JSONValue) throws -> Result) throws
    -> [Result]
  {
    try array(value).enumerated().map { index, value in
      try locating(.place("[\(index)]")) { try body(value) }
    }
  }

  static func facts(_ value: JSONValue) throws -> Facts {
    guard case .object(let object) = value else { throw wrong(value, "an object of facts") }
    var facts: Facts = [:]
    for (name, value) in object.entries {
      try locating(.place(name)) {
        guard let fact = FactValue(value) else { throw wrong(value, "a fact") }
        let description = FactNames[try Self.fact(name)]
        guard description?.allows(fact) != false else {
          throw Problem(
            .invalid, "a layout file gives a fact a value it cannot have",
            expected: description?.text, found: shown(value))
        }
        facts[name] = fact
      }
    }
    return facts
  }

  /// Reads the name of a fact that Graft knows.
  static func fact(file value: JSONValue) throws -> String { try fact(string(value)) }

  /// The name of a fact that Graft knows.
  static func fact(_ name: String) throws -> String {
    guard FactNames.all.contains(name) else {
      throw Problem(.invalid, "a layout file names an unknown fact", found: name)
    }
    return name
  }

  /// A word of a list of layers; the texts `true` and `false` are the truth values.
  static func word(_ value: JSONValue) throws -> JSONValue {
    switch value {
    case .string("true"): return .bool(true)
    case .string("false"): return .bool(false)
    case .string, .integer, .bool: return value
    default: throw wrong(value, "a text, a whole number, true or false")
    }
  }

  static func wrong(_ value: JSONValue, _ expected: String) -> Problem {
    Problem(
      .invalid, "a layout file has a value of the wrong kind", expected: expected,
      found: shown(value))
  }

  /// The longest text of a file that a message shows.
  private static let shownLength = 240

  /// A value as a message shows it: its text, or the beginning of a long one.
  static func shown(_ value: JSONValue) -> String {
    let text = value.text(indent: 0)
    return text.count <= shownLength ? text : text.prefix(shownLength) + " …"
  }
}
