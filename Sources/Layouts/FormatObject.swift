import Canonical
import Diagnostics
import JSON

/// An object of a layout file that is read key by key; a key that was never asked for is an error.
///
/// Problems name the place: the key where the value of one is wrong, and whoever reads the object from a
/// key or a list puts that before it.
struct FormatObject {
  private let object: JSONObject
  private var read: Set<String> = []

  init(_ value: JSONValue, _ what: String) throws {
    guard case .object(let object) = value else {
      throw Problem(
        .invalid, "\(what) of a layout file is not an object", found: FormatValue.shown(value))
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

  /// What the value of a key that must be there says.
  mutating func required<Result>(_ key: String, _ body: (JSONValue) throws -> Result) throws
    -> Result
  {
    let value = try required(key)
    return try locating(.place(key)) { try body(value) }
  }

  /// What the value of a key that may be missing says; nil where it is missing.
  mutating func optional<Result>(_ key: String, _ body: (JSONValue) throws -> Result) throws
    -> Result?
  {
    try optional(key).map { value in try locating(.place(key)) { try body(value) } }
  }

  /// What each value of a list says; nothing where it is missing.
  /// - Parameter places: where the values come from, where that is not their index in the list.
  mutating func list<Result>(
    _ key: String, places: [String]? = nil, _ body: (JSONValue) throws -> Result
  ) throws -> [Result] {
    try array(key).enumerated().map { index, value in
      try locating(.place(places?[index] ?? "\(key)[\(index)]")) { try body(value) }
    }
  }

  /// What each member of an object says; nothing where it is missing.
  mutating func members<Result>(_ key: String, _ body: (String, JSONValue) throws -> Result) throws
    -> [Result]
  {
    try optional(key) { value in
      guard case .object(let object) = value else { throw FormatValue.wrong(value, "an object") }
      return try object.entries.map { name, value in
        try locating(.place(name)) { try body(name, value) }
      }
    } ?? []
  }

  mutating func string(_ key: String) throws -> String {
    guard case .string(let text) = try required(key) else { throw wrong(key, "a string") }
    return text
  }

  mutating func optionalString(_ key: String) throws -> String? {
    optional(key) == nil ? nil : try string(key)
  }

  /// Whether a key is there and `true`.
  mutating func flag(_ key: String) throws -> Bool {
    guard let value = optional(key) else { return false }
    guard case .bool(let flag) = value else { throw wrong(key, "true or false") }
    return flag
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
    try list(key) { try FormatValue.string($0) }
  }

  /// Names, those in `{"in": [tags], "name": …}` only where the form has one of the tags.
  mutating func names(_ key: String, _ form: LayoutForm) throws -> [NameTemplate] {
    try list(key) { value in
      guard case .object = value else { return try NameTemplate(file: value) }
      var object = try FormatObject(value, key)
      let isIn = try !form.tags.isDisjoint(with: object.strings("in"))
      let name = try object.required("name", NameTemplate.init(file:))
      try object.finish()
      return isIn ? name : nil
    }.compactMap(\.self)
  }

  mutating func condition(_ key: String = "when") throws -> Condition {
    guard let text = try optionalString(key) else { return .always }
    return try locating(.place(key)) { try Condition(text) }
  }

  mutating func facts(_ key: String) throws -> Facts {
    try optional(key, FormatValue.facts) ?? [:]
  }

  mutating func scalar(_ key: String) throws -> FactValue? {
    guard let value = optional(key) else { return nil }
    guard let fact = FactValue(value) else {
      throw FormatValue.wrong(value, "a scalar").located(.place(key))
    }
    return fact
  }

  /// Refuses keys that nobody asked for.
  func finish() throws {
    for key in object.keys where !read.contains(key) {
      throw Problem(
        .invalid, "an object of a layout file has an unknown key",
        expected: read.sorted().joined(separator: ", "), found: "\(key) in \(text)"
      ).located(.place(key))
    }
  }

  private func wrong(_ key: String, _ expected: String) -> Problem {
    Problem(
      .invalid, "a key of a layout file has the wrong type", expected: "\(key): \(expected)",
      found: text
    ).located(.place(key))
  }

  private var text: String { FormatValue.shown(.object(object)) }
}
