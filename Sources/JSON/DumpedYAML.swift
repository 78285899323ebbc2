/// A JSON document as YAML, in the words in which programs dump objects of Python: mappings and lists by
/// indentation, texts in quotes.
public enum DumpedYAML {
  /// The text of an object.
  public static func text(_ value: JSONValue) -> String {
    lines(value).map { $0 + "\n" }.joined()
  }

  private static func lines(_ value: JSONValue) -> [String] {
    switch value {
    case .object(let object) where !object.entries.isEmpty:
      object.entries.flatMap { key, value in
        isBlock(value)
          ? ["\(key):"] + lines(value).map { "  " + $0 } : ["\(key): \(lines(value)[0])"]
      }
    case .array(let values) where !values.isEmpty:
      values.map { "- " + flow($0) }
    default: [flow(value)]
    }
  }

  private static func isBlock(_ value: JSONValue) -> Bool {
    switch value {
    case .object(let object): !object.entries.isEmpty
    case .array(let values): !values.isEmpty
    default: false
    }
  }

  /// A value on one line. A number with an exponent needs a point to be one in YAML 1.1.
  private static func flow(_ value: JSONValue) -> String {
    let text = value.text(indent: 0)
    guard case .double = value, let exponent = text.firstIndex(where: { "eE".contains($0) }),
      !text.contains(".")
    else { return text }
    return text[..<exponent] + ".0" + text[exponent...]
  }
}
