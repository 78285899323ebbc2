import Foundation
import GraftTestSupport
import Layouts
import Testing

/// The table of layouts and their forms in the README, against the layout files.
@Suite struct FormTableTests {
  private static let path = Fixtures.directory.removingLastComponent().appending("README.md")
  private static let head =
    "| layout | what it is | forms that are written | forms that are only read | without a language head |"

  private static func names(_ forms: [LayoutForm]) -> String {
    forms.map { $0.name.isEmpty ? "the only one" : $0.name }.joined(separator: "; ")
  }

  /// The ways in which each of the forms stores a model without a language head.
  private static func headless(_ forms: [LayoutForm]) -> String {
    let classes = Set(forms.map(\.modelClass))
    let ways = [
      classes.contains(.other) ? "the same names" : nil,
      classes.contains(.base) ? "those of a base model" : nil,
    ]
    return ways.compactMap(\.self).joined(separator: "; ")
  }

  private static func row(_ layout: Layout, _ all: [LayoutForm]) -> String {
    let forms = all.filter { $0.modelClass == .language }
    let written = forms.filter(\.isWritten)
    let isUnderstood = layout.inspectOnly == nil
    let cells = [
      "`\(layout.id)`", layout.about,
      isUnderstood ? names(written) : "none: inspected only",
      names(isUnderstood ? forms.filter { !$0.isWritten } : forms), headless(all),
    ]
    return "| " + cells.joined(separator: " | ") + " |"
  }

  private static func table() throws -> [String] {
    let catalogue = try LayoutCatalogue.builtIn()
    let rows = try catalogue.ids.map { id in
      row(try catalogue.layout(id), catalogue.outlines.filter { $0.id == id }.map(\.form))
    }
    return [head, "|---|---|---|---|---|"] + rows
  }

  @Test func theReadmeListsEveryForm() throws {
    let lines = String(decoding: try Fixtures.contents(Self.path), as: UTF8.self)
      .components(separatedBy: "\n")
    let start = try #require(lines.firstIndex(of: Self.head))
    let found = lines[start...].prefix { $0.hasPrefix("|") }
    let table = try Self.table()
    guard ProcessInfo.processInfo.environment["GRAFT_RECORD"] != nil else {
      #expect(Array(found) == table, "make errors writes the table anew")
      return
    }
    let text = (lines[..<start] + table + lines[found.endIndex...]).joined(separator: "\n")
    try Data(text.utf8).write(to: URL(fileURLWithPath: Self.path.string))
    Issue.record("the table was written anew: look at the difference, then run the tests again")
  }
}
