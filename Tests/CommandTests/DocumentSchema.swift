import GraftTestSupport
import JSON

/// A schema of `docs/schemas`, as far as its words are used there.
///
/// Stricter than the schema itself: a key that no `properties` list is a fault, because it is not documented.
struct DocumentSchema {
  private let root: JSONValue

  /// The schema of a verb.
  init(_ verb: String) throws {
    let folder = Fixtures.directory.removingLastComponent().appending("docs/schemas")
    root = try JSONValue(parsing: Fixtures.contents(folder.appending("graft.\(verb).json")))
  }

  /// What of a document the schema does not allow, with the place.
  func faults(_ document: JSONValue) -> [String] { faults(document, root, "$") }

  private func faults(_ value: JSONValue, _ schema: JSONValue, _ place: String) -> [String] {
    if let name = schema["$ref"]?.string {
      let definition = root["$defs"]?[String(name.split(separator: "/").last ?? "")]
      return definition.map { faults(value, $0, place) } ?? ["\(place): no definition \(name)"]
    }
    if let branches = schema["oneOf"]?.array {
      return branches.map { faults(value, $0, place) }.min { $0.count < $1.count } ?? []
    }
    if let constant = schema["const"] {
      return value == constant ? [] : ["\(place): \(value.text(indent: 0)) is not what it must be"]
    }
    let kinds = schema["type"]?.array?.compactMap(\.string) ?? schema["type"]?.string.map { [$0] }
    guard let kinds, kinds.contains(where: { isKind(value, $0) }) else {
      return ["\(place): \(value.text(indent: 0).prefix(80)) is no \(kinds ?? [])"]
    }
    if let words = schema["enum"]?.array, value != .null, !words.contains(value) {
      return ["\(place): \(value.text(indent: 0)) is not listed"]
    }
    let elements = value.array ?? []
    return members(value, schema, place)
      + (schema["items"].map { item in
        elements.enumerated().flatMap { faults($1, item, "\(place)[\($0)]") }
      } ?? (elements.isEmpty ? [] : ["\(place): its elements are not described"]))
  }

  private func members(_ value: JSONValue, _ schema: JSONValue, _ place: String) -> [String] {
    guard let object = value.object else { return [] }
    let missing = (schema["required"]?.array ?? []).compactMap(\.string).filter {
      object[$0] == nil
    }
    return missing.map { "\(place).\($0) is missing" }
      + object.entries.flatMap { key, member in
        let inner = schema["properties"]?[key] ?? schema["additionalProperties"]
        return inner.map { faults(member, $0, "\(place).\(key)") } ?? [
          "\(place).\(key) is not documented"
        ]
      }
  }

  private func isKind(_ value: JSONValue, _ kind: String) -> Bool {
    switch kind {
    case "null": value == .null
    case "boolean": value.bool != nil
    case "integer": value.int != nil
    case "number": value.number != nil
    case "string": value.string != nil
    case "array": value.array != nil
    case "object": value.object != nil
    default: false
    }
  }
}
