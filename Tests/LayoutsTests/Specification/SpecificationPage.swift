import Foundation
import GraftTestSupport

/// `formats/README.md` with the sections that come from the code written anew.
///
/// Such a section stands between `<!-- from the code: NAME -->` and `<!-- end -->`. What a table says in
/// words beside the names that the code has is kept by name.
enum SpecificationPage {
  static let path = Fixtures.directory.removingLastComponent().appending("formats/README.md")

  /// What stands for words that nobody has written yet.
  static let unwritten = "?"

  /// A section: its lines, made from those that stand there.
  typealias Section = (name: String, lines: ([String]) throws -> [String])

  private static var sections: [Section] {
    SpecificationTables.sections + SpecificationKeys.sections
  }

  /// The names of sections that should stand on the page, and those that stand there.
  static func names(in text: String) -> (expected: [String], found: [String]) {
    let found = text.matches(of: #/(?m)^<!-- from the code: (.+) -->$/#).map { String($0.output.1) }
    return (sections.map(\.name).sorted(), found.sorted())
  }

  /// The page with its sections as the code has them.
  static func renewed(_ text: String) throws -> String {
    var lines = text.components(separatedBy: "\n")
    for section in sections {
      guard let start = lines.firstIndex(of: "<!-- from the code: \(section.name) -->"),
        let end = lines[start...].firstIndex(of: "<!-- end -->")
      else { continue }
      lines.replaceSubrange(start + 1..<end, with: try section.lines(Array(lines[start + 1..<end])))
    }
    return lines.joined(separator: "\n")
  }

  /// A table in Markdown.
  static func table(_ head: [String], _ rows: [[String]]) -> [String] {
    ([head, head.map { _ in "---" }] + rows).map { row in
      row == head.map { _ in "---" }
        ? "|" + row.map { _ in "---|" }.joined() : "| " + row.joined(separator: " | ") + " |"
    }
  }
}
