import JSON

extension JSONValue {
  /// The value with a text in braces replaced in every string.
  func replacing(_ text: String, with other: String) -> JSONValue {
    mapStrings { string in
      string.utf8.contains(UInt8(ascii: "{")) ? string.replacing(text, with: other) : string
    }
  }

  /// The value with another text for every string.
  func mapStrings(_ change: (String) -> String) -> JSONValue {
    switch self {
    case .string(let string): .string(change(string))
    case .array(let values): .array(values.map { $0.mapStrings(change) })
    case .object(let object):
      .object(JSONObject(object.entries.map { ($0.key, $0.value.mapStrings(change)) }))
    default: self
    }
  }
}
