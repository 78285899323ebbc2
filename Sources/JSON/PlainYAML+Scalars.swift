import Diagnostics

extension PlainYAML {
  func scalar(_ text: Substring, _ line: Line) throws -> JSONValue {
    guard let first = text.first, let last = text.last else { return .null }
    if author == .program { return dumped(text, line) }
    switch first {
    case "[":
      guard !text.dropFirst().contains("[") else {
        throw problem(line, "a list nested in brackets")
      }
      guard last == "]" else { throw problem(line, "a list without end") }
      return .array(try list(text.dropFirst().dropLast(), line))
    case "\"", "'":
      let inner = text.dropFirst().dropLast()
      guard text.count > 1, last == first, !inner.contains(first), !inner.contains("\\") else {
        throw problem(line, "a text in quotes that recipes do not use")
      }
      return .string(String(inner))
    case "{", "&", "*", "!", "|", ">", "%", "@", "`", "?", "]", "}", ",":
      throw problem(line, "a sign that recipes do not use")
    default: return Int(text).map { JSONValue($0) } ?? .string(String(text))
    }
  }

  /// Words and numbers between commas.
  private func list(_ text: Substring, _ line: Line) throws -> [JSONValue] {
    guard text.contains(where: { $0 != " " }) else { return [] }
    return try text.split(separator: ",", omittingEmptySubsequences: false).map { item in
      let words = item.split(separator: " ")
      guard words.count == 1 else {
        throw problem(line, "a list of more than words and numbers")
      }
      return try scalar(words[0], line)
    }
  }

  /// A value as a program dumps it.
  private func dumped(_ text: Substring, _ line: Line) -> JSONValue {
    switch text {
    case "null", "~": return .null
    case "true": return .bool(true)
    case "false": return .bool(false)
    case "{}": return .object(JSONObject())
    default: break
    }
    if text.hasPrefix("["), text.hasSuffix("]"), !text.dropFirst().contains("[") {
      let inner = text.dropFirst().dropLast()
      let items = inner.split(separator: ",").map { $0.drop { $0 == " " } }
      return .array(items.map { dumped($0, line) })
    }
    if let number = Int(text) { return JSONValue(number) }
    if text.contains(where: \.isNumber), let number = Double(text) { return JSONValue(number) }
    let isQuoted = text.count > 1 && text.first == text.last && "\"'".contains(text.first ?? " ")
    return .string(String(isQuoted ? text.dropFirst().dropLast() : text))
  }
}
