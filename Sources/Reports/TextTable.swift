/// Columns of text, aligned: the first ones to the left, numbers to the right.
public struct TextTable {
  private var rows: [[String]]
  private let leading: Int

  /// A table with a header and no rows yet.
  /// - Parameter leading: the number of columns that are aligned to the left.
  public init(header: [String], leading: Int) {
    rows = [header]
    self.leading = leading
  }

  /// Adds a row with as many cells as the header.
  public mutating func add(_ row: [String]) { rows.append(row) }

  /// The lines of the table.
  /// - Parameter width: the most characters of a line; nil for no limit. The widest columns that are
  ///   aligned to the left are made narrower, or where that does not help, lines are cut at the right.
  public func lines(width: Int? = nil) -> [String] {
    let widths = fitted(width)
    return rows.map { row in
      let cells = zip(row, widths).enumerated().map { column, cell in
        let text = Self.cut(cell.0, to: cell.1)
        let padding = String(repeating: " ", count: max(cell.1 - text.count, 0))
        return column < leading ? text + padding : padding + text
      }
      let line = Self.margin + cells.joined(separator: Self.gap).trimmingEnd()
      guard let width, line.count > width, width > 1 else { return line }
      return line.prefix(width - 1) + "…"
    }
  }

  private static let margin = "  "
  private static let gap = "  "
  /// No column is cut to less than this.
  private static let narrowest = 8

  /// The widths of the columns, the widest one made narrower until the lines fit.
  private func fitted(_ limit: Int?) -> [Int] {
    var widths = (0..<(rows.first?.count ?? 0)).map { column in
      rows.map { $0[column].count }.max() ?? 0
    }
    guard let limit else { return widths }
    let between = Self.margin.count + Self.gap.count * max(widths.count - 1, 0)
    let least = widths.enumerated().reduce(between) {
      $0 + ($1.offset < leading ? min($1.element, Self.narrowest) : $1.element)
    }
    guard least <= limit else { return widths }
    while between + widths.reduce(0, +) > limit,
      let widest = widths.indices.prefix(leading).max(by: { widths[$0] < widths[$1] })
    {
      widths[widest] -= 1
    }
    return widths
  }

  /// A text without its middle, because names differ at their ends.
  private static func cut(_ text: String, to width: Int) -> String {
    guard text.count > width, width > 1 else { return text }
    let head = (width - 1) / 2
    return text.prefix(head) + "…" + text.suffix(width - 1 - head)
  }
}

extension String {
  fileprivate func trimmingEnd() -> String {
    var text = self[...]
    while text.last == " " { text = text.dropLast() }
    return String(text)
  }
}
