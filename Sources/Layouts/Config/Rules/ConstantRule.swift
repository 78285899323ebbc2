import Canonical
import JSON

/// `constant`, `default`: the value is the same for every model and decides nothing.
struct ConstantRule: ConfigRule {
  static let tellingKeys = ["constant", "default"]

  private let value: JSONValue
  /// A constant is always written; a default only where no other config gives a value.
  let weight: KeyWeight

  init(_ object: inout FormatObject, at key: ConfigKey, _ pairs: SharedPairs) throws {
    if let constant = object.optional("constant") {
      (value, weight) = (constant, .deciding)
    } else {
      (value, weight) = (try object.required("default"), .standard)
    }
  }

  func value(for facts: Facts) -> JSONValue? { value }
}
