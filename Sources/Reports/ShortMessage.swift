/// A message cut to what is read on a terminal at one glance.
public enum ShortMessage {
  /// The most rows of a message.
  public static let rows = 8

  /// The message as it is where it takes few rows; else its first lines, each cut to one row, how many are
  /// left out, and what is to be done, which is never cut.
  /// - Parameter width: the characters of a row.
  public static func text(_ message: String, width: Int) -> String {
    let lines = message.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let width = max(width, 1)
    guard count(lines, width) > rows else { return message }
    let remedy = remedy(lines)
    let room = max(1, rows - 1 - (remedy.map { count([$0], width) } ?? 0))
    let head = lines.dropLast(remedy == nil ? 0 : 1)
    let shown = head.prefix(room).map { $0.count > width ? $0.prefix(width - 1) + "…" : $0 }
    let rest = head.count - shown.count
    let note =
      rest > 0
      ? "  … \(rest) more \(rest == 1 ? "line" : "lines"); -v shows them"
      : "  … -v shows the whole message"
    return (shown + [note] + (remedy.map { [$0] } ?? [])).joined(separator: "\n")
  }

  /// The last line where it says what to do about all of the message: not about the last of several problems.
  private static func remedy(_ lines: [String]) -> String? {
    guard let last = lines.last else { return nil }
    let isOfOne = last.hasPrefix("  to do ") && !lines.contains { $0.hasPrefix("- ") }
    return last.hasPrefix("to do: ") || isOfOne ? last : nil
  }

  /// The rows that lines take where long ones are broken.
  private static func count(_ lines: [String], _ width: Int) -> Int {
    lines.reduce(0) { $0 + max(1, ($1.count + width - 1) / width) }
  }
}
