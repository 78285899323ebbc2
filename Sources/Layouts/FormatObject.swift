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
  mutating func marked(_ key: String, _ form: LayoutForm) throws -> [String] {
    try array(key).compactMap { value in
      guard case .object = value else { return try FormatValue.string(value) }
      var object = try FormatObject(value, key)
      let isIn = try !form.tags.isDisjoint(with: object.strings("in"))
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
