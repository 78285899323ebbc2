/// The words of the output that have a colour on a terminal.
enum Emphasis {
  private static let colours: [(prefix: String, code: String)] = [
    ("same", "32;1"), ("differs", "31;1"), ("    error", "31;1"), ("    warning", "33;1"),
  ]

  /// A line of results, with the word that decides in colour.
  static func result(_ line: String) -> String {
    guard let (prefix, code) = colours.first(where: { line.hasPrefix($0.prefix + ":") }) else {
      return line
    }
    return coloured(prefix, code) + line.dropFirst(prefix.count)
  }

  /// The message of an error: who speaks in colour, what to do in bold.
  static func error(_ text: String) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    return lines.enumerated().map { index, line in
      if index == 0, let end = line.firstRange(of: ": ") {
        return coloured(String(line[..<end.lowerBound]), "31;1") + line[end.lowerBound...]
      }
      return line.hasPrefix("  to do ") ? coloured(line, "1") : line
    }.joined(separator: "\n")
  }

  private static func coloured(_ text: String, _ code: String) -> String {
    "\u{1b}[\(code)m\(text)\u{1b}[0m"
  }
}
