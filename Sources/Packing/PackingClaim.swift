import Diagnostics
import JSON

/// The problems of what a config says of packed weights, worded alike for all methods.
enum PackingClaim {
  /// A claim that no tool makes.
  static func impossible(_ expected: String, _ found: String) -> Problem {
    Problem(
      .invalid, "the config describes a packing that cannot be", expected: expected, found: found,
      remedy: "put the config back that the tool wrote which packed the weights")
  }

  /// The problem of an option that Graft does not read, whether it knows its meaning or not.
  static func unsupported(_ tool: String, _ option: String, _ tensor: String? = nil) -> Problem {
    Problem(
      .unsupported, "the checkpoint has an option of \(tool) that Graft does not read",
      tensor: tensor, found: option,
      remedy:
        "take the checkpoint it was quantised from, or dequantise it with the tool that made it")
  }

  /// The number of a key; nil where there is none.
  static func number(_ key: String, _ claim: JSONValue) throws -> Int? {
    guard let value = claim[key], !value.isNull else { return nil }
    guard let number = value.int else {
      throw impossible("\(key) as a whole number", value.text(indent: 0))
    }
    return number
  }
}
