import Foundation
import GraftTestSupport
import Layouts
import Testing

/// The tables of layouts in the documents, against the layout files.
@Suite struct FormTableTests {
  /// A table of a document; its first line is found by its cells.
  struct DocumentTable: Sendable, CustomTestStringConvertible {
    let path: String
    let head: String
    let rows: @Sendable () throws -> [String]

    var testDescription: String { path }

    var lines: [String] {
      get throws {
        let rule = "|" + head.dropFirst().filter { $0 == "|" }.map { _ in "---|" }.joined()
        return [head, rule] + (try rows())
      }
    }
  }

  private static let root = Fixtures.directory.removingLastComponent()

  static let tables = [
    DocumentTable(
      path: "README.md",
      head: "| layouts | forms written | only read | `--quantise` |",
      rows: { try forms() }),
    DocumentTable(
      path: "docs/layouts.md", head: "| layout | what it is | without a language head |",
      rows: { try meanings() }),
  ]

  private static func line(_ cells: [String]) -> String {
    "| " + cells.joined(separator: " | ") + " |"
  }

  private static func outlines(_ id: String) throws -> [LayoutForm] {
    try LayoutCatalogue.builtIn().outlines.filter { $0.id == id }.map(\.form)
  }

  /// Layouts with the same forms and ways of packing share a line.
  private static func forms() throws -> [String] {
    let catalogue = try LayoutCatalogue.builtIn()
    var (order, ids) = ([[String]](), [[String]: [String]]())
    for id in catalogue.ids {
      let forms = try outlines(id).filter { $0.modelClass == .language }
      let layout = try catalogue.layout(id)
      let isUnderstood = layout.inspectOnly == nil
      let cells = [
        isUnderstood ? names(forms.filter(\.isWritten)) : "none",
        isUnderstood ? names(forms.filter { !$0.isWritten }) : "inspected", packing(layout),
      ]
      if ids[cells] == nil { order.append(cells) }
      ids[cells, default: []].append("`\(id)`")
    }
    return order.map { line([(ids[$0] ?? []).joined(separator: ", ")] + $0) }
  }

  private static func names(_ forms: [LayoutForm]) -> String {
    forms.map { $0.name.isEmpty ? "one" : $0.name }.joined(separator: "; ")
  }

  private static func packing(_ layout: Layout) -> String {
    if layout.container == "gguf" { return "GGUF" }
    if layout.metadata.contains(where: { $0 == ("format", "mlx") }) { return "MLX" }
    return layout.scales == nil ? "" : "FP8"
  }

  private static func meanings() throws -> [String] {
    let catalogue = try LayoutCatalogue.builtIn()
    return try catalogue.ids.map { id in
      line(["`\(id)`", try catalogue.layout(id).about, headless(try outlines(id))])
    }
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

  @Test(arguments: tables) func theDocumentHasEveryLayout(_ table: DocumentTable) throws {
    let path = Self.root.appending(table.path)
    let lines = String(decoding: try Fixtures.contents(path), as: UTF8.self)
      .components(separatedBy: "\n")
    let start = try #require(lines.firstIndex(of: table.head))
    let found = lines[start...].prefix { $0.hasPrefix("|") }
    let expected = try table.lines
    guard ProcessInfo.processInfo.environment["GRAFT_RECORD"] != nil else {
      #expect(Array(found) == expected, "make errors writes the table anew")
      return
    }
    let text = (lines[..<start] + expected + lines[found.endIndex...]).joined(separator: "\n")
    try Data(text.utf8).write(to: URL(fileURLWithPath: path.string))
    Issue.record("the table was written anew: look at the difference, then run the tests again")
  }

  /// A reader takes in so much; the rest has pages of its own.
  @Test func theReadmeIsShort() throws {
    #expect(try Fixtures.contents(Self.root.appending("README.md")).count <= 12_000)
  }
}
