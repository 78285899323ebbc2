import Canonical
import JSON

/// `object`: the value is an object with keys of its own, or null.
struct ObjectRule: ConfigRule {
  static let tellingKeys = ["object"]

  private let key: ConfigKey
  /// The facts that null, or a missing key, stands for.
  private let null: Facts
  private let content: FactObject

  init(_ object: inout FormatObject, at key: ConfigKey, _ pairs: SharedPairs) throws {
    self.key = key
    null = try object.facts("null")
    content = try FactObject(&object, keys: "object", pairs)
  }

  var facts: Set<String> { content.facts.union(null.keys) }

  func read(from object: JSONObject, known facts: Facts) throws -> Facts {
    let value = key.value(in: object) ?? .null
    if value == .null { return null }
    guard case .object(let object) = value else {
      throw ConfigValue.wrongType(value, at: key.path, expected: "an object or null")
    }
    return try content.read(object, known: facts)
  }

  func value(for facts: Facts) -> JSONValue? {
    if null.agree(with: facts) { return .null }
    return content.set.agree(with: facts) ? .object(content.object(for: facts)) : nil
  }
}
