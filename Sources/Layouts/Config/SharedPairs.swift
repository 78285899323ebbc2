import JSON

/// Lists of pairs that several keys of a layout file share, by name.
struct SharedPairs {
  /// Pairs of config value and value of one fact.
  let maps: [String: [[JSONValue]]]
  /// Pairs of config value and object of facts.
  let alternatives: [String: [[JSONValue]]]

  /// Reads the pairs from the `config` section of a layout file.
  init(_ section: inout FormatObject) throws {
    maps = try Self.pairs("maps", of: &section)
    alternatives = try Self.pairs("alternatives", of: &section)
  }

  private static func pairs(_ key: String, of section: inout FormatObject) throws
    -> [String: [[JSONValue]]]
  {
    Dictionary(
      uniqueKeysWithValues: try section.members(key) { ($0, try FormatValue.list($1, pair)) })
  }

  private static func pair(_ value: JSONValue) throws -> [JSONValue] {
    let pair = try FormatValue.array(value)
    guard pair.count == 2 else { throw FormatValue.wrong(value, "a pair") }
    return pair
  }
}
