import JSON

/// Lists of pairs that several keys of a layout file share, by name.
struct SharedPairs {
  /// Pairs of config value and value of one fact.
  let maps: [String: [[JSONValue]]]
  /// Pairs of config value and object of facts.
  let alternatives: [String: [[JSONValue]]]

  /// Reads the pairs from the `config` section of a layout file.
  init(_ section: inout FormatObject) throws {
    maps = try Self.pairs(section.optional("maps"))
    alternatives = try Self.pairs(section.optional("alternatives"))
  }

  private static func pairs(_ value: JSONValue?) throws -> [String: [[JSONValue]]] {
    guard case .object(let object)? = value else { return [:] }
    var tables: [String: [[JSONValue]]] = [:]
    for (name, value) in object.entries {
      tables[name] = try FormatValue.array(value).map { pair in
        let pair = try FormatValue.array(pair)
        guard pair.count == 2 else { throw FormatValue.wrong(.array(pair), "a pair") }
        return pair
      }
    }
    return tables
  }
}
