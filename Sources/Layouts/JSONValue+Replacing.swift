import JSON

extension JSONValue {
  /// The value with a text in braces replaced in every string.
  func replacing(_ text: String, with other: String) -> JSONValue {
    switch self {
    case .string(let string):
      string.utf8.contains(UInt8(ascii: "{")) ? .string(string.replacing(text, with: other)) : self
    case .array(let values): .array(values.map { $0.replacing(text, with: other) })
    case .object(let object):
      .object(JSONObject(object.entries.map { ($0.key, $0.value.replacing(text, with: other)) }))
    default: self
    }
  }
}
