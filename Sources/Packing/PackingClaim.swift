import Diagnostics
import JSON

/// What is wrong with what a config says of packed weights, in the same words for all methods.
enum PackingClaim {
  /// A claim that no tool makes.
  static func impossible(_ expected: String, _ found: String) -> Problem {
    Problem(
      .invalid, "the config describes a packing that cannot be", expected: expected, found: found,
      remedy: "put the config back that the tool wrote which packed the weights")
  }

  /// An option that is known or not, and not read.
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
    guard let number = value.int else { throw impossible("\(key) as a number", value.kindName) }
    return number
  }
}
