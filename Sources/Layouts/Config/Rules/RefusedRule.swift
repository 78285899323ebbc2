import Canonical
import Diagnostics
import JSON

/// `refused`: the key must not be there, for a reason that is said.
struct RefusedRule: ConfigRule {
  static let tellingKeys = ["refused"]

  private let key: ConfigKey
  private let reason: String

  init(_ object: inout FormatObject, at key: ConfigKey, _ pairs: SharedPairs) throws {
    self.key = key
    reason = try object.string("refused")
  }

  var weight: KeyWeight { .refused }

  func read(from object: JSONObject, known facts: Facts) throws -> Facts {
    for key in key.all {
      guard let value = object.value(at: key) else { continue }
      throw Problem(
        .unsupported, "\(self.key.path): \(reason)", expected: "no such key",
        found: ConfigValue.text(value, at: key))
    }
    return [:]
  }
}
