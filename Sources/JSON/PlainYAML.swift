import Diagnostics

/// Reads the part of YAML that people write recipes in: mappings and lists by indentation, lists in
/// brackets, words, integers, texts in quotes, and comments.
///
/// Anything else (anchors, tags, several documents, texts of several lines, mappings in braces) is
/// refused by line.
///
/// What a program dumped is read less strictly: it may also have fractions, flags, mappings in braces, marks of
/// repeated values and texts of several lines; what is none of these is taken as a text.
public struct PlainYAML {
  /// Who wrote a text.
  public enum Author: Sendable {
    /// A person, whose mistakes are told.
    case person
    /// A program that dumped an object of Python.
    case program
  }

  struct Line {
    let number: Int
    var indent: Int
    var text: Substring
  }

  private var lines: [Line] = []
  private var next = 0
  private var depth = 0
  let author: Author
  /// Values that are repeated by name.
  private var marked: [Substring: JSONValue] = [:]

  /// The deepest nesting; recipes need four levels.
  private static let mostLevels = 16

  /// The value that a text says.
  /// - Throws: `Problem` of kind `invalid` with the line.
  public static func value(_ text: String) throws -> JSONValue {
    try value(PlainYAML(text, .person))
  }

  /// The value of one outermost key in a text that a program dumped; nil where it is not there.
  /// - Throws: `Problem` of kind `invalid` with the line.
  public static func section(_ key: String, of text: String) throws -> JSONValue? {
    var reader = try PlainYAML(text, .program)
    guard let start = reader.lines.firstIndex(where: { $0.indent == 0 && $0.text == "\(key):" })
    else { return nil }
    let rest = reader.lines[(start + 1)...]
    reader.lines = Array(rest.prefix { $0.indent > 0 || isItem($0) })
    return reader.lines.isEmpty ? .null : try value(reader)
  }

  private static func value(_ reader: PlainYAML) throws -> JSONValue {
    var reader = reader
    guard !reader.lines.isEmpty else { throw Problem(.invalid, "the recipe is empty") }
    let value = try reader.block(reader.lines[0].indent)
    if let line = reader.line {
      throw reader.problem(line, "indented less than what it belongs to")
    }
    return value
  }

  private init(_ text: String, _ author: Author) throws {
    self.author = author
    let texts = text.split(omittingEmptySubsequences: false) { $0.isNewline }
    for (index, text) in texts.enumerated() {
      let indent = text.prefix { $0 == " " }.count
      let content = Self.withoutComment(text.dropFirst(indent))
      if content.isEmpty || (content == "---" && lines.isEmpty) { continue }
      let line = Line(number: index + 1, indent: indent, text: content)
      guard content.first != "\t" else { throw problem(line, "indented with a tab") }
      lines.append(line)
    }
  }

  private static func withoutComment(_ text: Substring) -> Substring {
    var quote: Character?
    var before: Character = " "
    var end = text.endIndex
    for place in text.indices where end == text.endIndex {
      let letter = text[place]
      if quote == nil, letter == "#", before == " " { end = place }
      if quote == letter {
        quote = nil
      } else if quote == nil, "\"'".contains(letter), " [,".contains(before) {
        quote = letter
      }
      before = letter
    }
    let kept = text[..<end].reversed().drop { $0 == " " || $0 == "\t" }
    return text.prefix(kept.count)
  }

  private var line: Line? { next < lines.count ? lines[next] : nil }

  func problem(_ line: Line, _ what: String) -> Problem {
    let text = line.text.prefix(60)
    let isRecipe = author == .person
    return Problem(
      .invalid,
      isRecipe
        ? "the recipe is not valid YAML, or not in the part of it that recipes use"
        : "not the YAML that a program dumps",
      found:
        "line \(line.number), \(what): \(text)\(text.endIndex < line.text.endIndex ? "…" : "")",
      remedy: isRecipe ? "write keys, lists, words and numbers only, or JSON" : nil)
  }

  /// The value of the lines from here on that are indented by so much.
  private mutating func block(_ indent: Int) throws -> JSONValue {
    guard let first = line else { return .null }
    guard depth < Self.mostLevels else {
      throw problem(first, "nested too deeply, more than \(Self.mostLevels) levels")
    }
    depth += 1
    defer { depth -= 1 }
    if Self.isItem(first) { return .array(try items(indent)) }
    if try entry(first) != nil { return .object(try members(indent)) }
    next += 1
    return try scalar(continued(first.text, deeperThan: indent), first)
  }

  /// A text with the lines on which a program went on with it.
  private mutating func continued(_ text: Substring, deeperThan indent: Int) -> Substring {
    guard author == .program else { return text }
    var whole = text
    while let line, line.indent > indent {
      whole += " " + line.text
      next += 1
    }
    return whole
  }

  private static func isItem(_ line: Line) -> Bool {
    line.text == "-" || line.text.hasPrefix("- ")
  }

  private mutating func items(_ indent: Int) throws -> [JSONValue] {
    var items: [JSONValue] = []
    while let item = line, item.indent == indent, Self.isItem(item) {
      let rest = item.text.dropFirst().drop { $0 == " " }
      if rest.isEmpty {
        next += 1
        items.append(try nested(indent + 1))
      } else {
        let place = indent + item.text.count - rest.count
        lines[next] = Line(number: item.number, indent: place, text: rest)
        items.append(try block(place))
      }
    }
    try checkEnd(indent)
    return items
  }

  private mutating func members(_ indent: Int) throws -> JSONObject {
    var members = JSONObject()
    while let line, line.indent == indent, !Self.isItem(line) {
      guard let (key, rest) = try entry(line) else { throw problem(line, "no key") }
      guard !members.contains(key) else { throw problem(line, "a key for the second time") }
      next += 1
      members[key] = try value(of: rest, line, indent)
    }
    try checkEnd(indent)
    return members
  }

  /// The value of a key: what follows it, or what stands below; marks are those of a program.
  private mutating func value(of rest: Substring, _ line: Line, _ indent: Int) throws -> JSONValue {
    guard author == .program, let sign = rest.first, "&*".contains(sign) else {
      return rest.isEmpty
        ? try nested(indent) : try scalar(continued(rest, deeperThan: indent), line)
    }
    let mark = rest.dropFirst().prefix { $0 != " " }
    if sign == "*" { return marked[mark] ?? .null }
    let value = try value(of: rest.dropFirst(mark.count + 1).drop { $0 == " " }, line, indent)
    marked[mark] = value
    return value
  }

  /// What stands below a key or a dash; a list may begin right under its key.
  private mutating func nested(_ indent: Int) throws -> JSONValue {
    guard let line, line.indent > indent || (line.indent == indent && Self.isItem(line)) else {
      return .null
    }
    return try block(line.indent)
  }

  private func checkEnd(_ indent: Int) throws {
    if let line, line.indent > indent { throw problem(line, "indented more than the line before") }
  }

  /// The key of a line and what follows it; nil where the line has none.
  private func entry(_ line: Line) throws -> (key: String, rest: Substring)? {
    guard let colon = line.text.firstIndex(of: ":") else { return nil }
    let rest = line.text[line.text.index(after: colon)...]
    guard rest.isEmpty || rest.first == " ", !"[\"'".contains(line.text.first ?? " ") else {
      return nil
    }
    if author == .program { return (String(line.text[..<colon]), rest.drop { $0 == " " }) }
    let word = line.text[..<colon].split(separator: " ")
    guard word.count == 1, case .string(let key) = try scalar(word[0], line) else {
      throw problem(line, "a key that is no word")
    }
    return (key, rest.drop { $0 == " " })
  }
}
