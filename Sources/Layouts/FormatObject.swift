import Canonical
import Diagnostics
import JSON

/// An object of a layout file that is read key by key; a key nobody asked for is an error.
struct FormatObject {
  private let object: JSONObject
  private var read: Set<String> = []

  init(_ value: JSONValue, _ what: String) throws {
    guard case .object(let object) = value else {
      throw Problem(
        .invalid, "\(what) of a layout file is not an object", found: value.text(indent: 0))
    }
    self.object = object
  }

  /// The value of a key that may be missing.
  mutating func optional(_ key: String) -> JSONValue? {
    read.insert(key)
    return object[key]
  }

  /// The value of a key that must be there.
  mutating func required(_ key: String) throws -> JSONValue {
    guard let value = optional(key) else {
      throw Problem(
        .invalid, "an object of a layout file lacks a key", expected: key, found: text)
    }
    return value
  }

  mutating func string(_ key: String) throws -> String {
    guard case .string(let text) = try required(key) else { throw wrong(key, "a string") }
    return text
  }

  mutating func optionalString(_ key: String) throws -> String? {
    optional(key) == nil ? nil : try string(key)
  }

  mutating func integer(_ key: String) throws -> Int {
    guard case .integer(let number) = try required(key) else { throw wrong(key, "an integer") }
    return Int(number)
  }

  mutating func array(_ key: String) throws -> [JSONValue] {
    guard let value = optional(key) else { return [] }
    guard case .array(let values) = value else { throw wrong(key, "an array") }
    return values
  }

  mutating func strings(_ key: String) throws -> [String] {
    try array(key).map { try FormatValue.string($0) }
  }

  /// Strings, those in `{"in": [tags], "name": …}` only where the form has one of the tags.
  mutating func marked(_ key: String, _ variant: LayoutVariant) throws -> [String] {
    try array(key).compactMap { value in
      guard case .object = value else { return try FormatValue.string(value) }
      var object = try FormatObject(value, key)
      let isIn = try !variant.tags.isDisjoint(with: object.strings("in"))
      let name = try object.string("name")
      try object.finish()
      return isIn ? name : nil
    }
  }

  mutating func condition(_ key: String = "when") throws -> Condition {
    try optionalString(key).map(Condition.init) ?? .always
  }

  mutating func facts(_ key: String) throws -> Facts {
    try optional(key).map(FormatValue.facts) ?? [:]
  }

  mutating func scalar(_ key: String) throws -> FactValue? {
    guard let value = optional(key) else { return nil }
    guard let fact = FactValue(value) else { throw FormatValue.wrong(value, "a scalar") }
    return fact
  }

  /// Refuses keys that nobody asked for.
  func finish() throws {
    for key in object.keys where !read.contains(key) {
      throw Problem(
        .invalid, "an object of a layout file has an unknown key",
        expected: read.sorted().joined(separator: ", "), found: "\(key) in \(text)")
    }
  }

  private func wrong(_ key: String, _ expected: String) -> Problem {
    Problem(
      .invalid, "a key of a layout file has the wrong type", expected: "\(key): \(expected)",
      found: text)
  }

  private var text: String { JSONValue.object(object).text(indent: 0) }
}

/// Plain values of a layout file.
enum FormatValue {
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
