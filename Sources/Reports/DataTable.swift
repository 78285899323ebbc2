/// A table of a page, as wide as it must be: what does not fit is reached by scrolling it sideways.
public struct DataTable {
  /// How the cells of a column are set.
  public enum Column: String, Sendable {
    /// Words.
    case text
    /// Words that may be broken into lines.
    case wrap
    /// Names and hashes as a machine writes them.
    case code
    /// Numbers, which end at the same place.
    case number
  }

  private let caption: String
  private let columns: [(title: String, kind: Column)]
  private var rows: [(cells: [String], isMarked: Bool)] = []

  /// A table without rows yet.
  public init(_ caption: String, _ columns: [(title: String, kind: Column)]) {
    (self.caption, self.columns) = (caption, columns)
  }

  /// Adds a row with one cell for each column.
  /// - Parameter isMarked: whether the row is the one to look at.
  public mutating func add(_ cells: [String], isMarked: Bool = false) {
    rows.append((cells, isMarked))
  }

  /// The table.
  public var markup: Markup {
    let head = Markup(
      "tr", columns.map { Markup("th", ["scope": "col", "class": $0.kind.rawValue], $0.title) })
    let body = rows.map { row in
      Markup(
        "tr", row.isMarked ? ["class": "marked"] : [:],
        zip(row.cells, columns).map { Self.cell($0, $1.kind) })
    }
    let table = Markup(
      "table", [Markup("caption", caption), Markup("thead", [head]), Markup("tbody", body)])
    return Markup(
      "div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": caption], [table])
  }

  private static func cell(_ text: String, _ kind: Column) -> Markup {
    switch kind {
    case .text: Markup("td", text)
    case .code: Markup("td", [Markup("code", text)])
    case .number, .wrap: Markup("td", ["class": kind.rawValue], text)
    }
  }
}
