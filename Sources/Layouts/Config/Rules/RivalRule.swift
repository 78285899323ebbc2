import Canonical
import Diagnostics
import JSON

/// `not_beside`: the key decides nothing by itself; readers drop another one where both are there.
struct RivalRule: ConfigRule {
  static let tellingKeys = ["not_beside"]

  private let key: ConfigKey
  private let rival: String

  init(_ object: inout FormatObject, at key: ConfigKey, _ pairs: SharedPairs) throws {
    self.key = key
    rival = try object.string("not_beside")
  }

  func read(from object: JSONObject, known facts: Facts) throws -> Facts {
    let values = [key.path, rival].map { object.value(at: $0) ?? .null }
    guard values.contains(.null) else {
      throw Problem(
        .unsupported, "\(key.path) stands beside \(rival), and readers drop one of them",
        expected: "one of both", found: ConfigValue.text(values[0], at: key.path),
        remedy: "put all values into \(rival) and remove \(key.path)")
    }
    return [:]
  }
}
