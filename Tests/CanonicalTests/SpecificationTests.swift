import Foundation
import Testing

@testable import Canonical

/// The tables of `formats/README.md` against what is declared.
struct SpecificationTests {
  private static let text =
    (try? String(
      contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../formats/README.md"), encoding: .utf8)) ?? ""

  /// The cells of the rows of a section's table.
  private func rows(_ section: String) -> [[String]] {
    let lines = Self.text.components(separatedBy: "\n")
    let body = lines.drop { $0 != "## \(section)" }.dropFirst().prefix { !$0.hasPrefix("## ") }
    return body.filter { $0.hasPrefix("| ") }.dropFirst().map { line in
      line.replacingOccurrences(of: "\\*", with: "*").components(separatedBy: "|")
        .dropFirst().map { $0.trimmingCharacters(in: .whitespaces) }
    }
  }

  private func names(_ cell: String) -> [String] {
    cell.components(separatedBy: "`").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
  }

  @Test func everyRoleStandsThereWithItsShape() {
    var shapes: [String: String] = [:]
    for row in rows("Roles") {
      let (names, listed) = (names(row[1]), row[2].components(separatedBy: "], ["))
      for (index, name) in names.enumerated() {
        let shape = listed[listed.count == names.count ? index : 0]
        shapes[name] = shape.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
      }
    }
    let declared = RoleTable.all.map { ($0.name, $0.shape.map(\.text).joined(separator: ", ")) }
    #expect(shapes == Dictionary(uniqueKeysWithValues: declared))
  }

  @Test func everyFactStandsThere() {
    #expect(Set(rows("Facts").flatMap { names($0[1]) }) == FactNames.all)
  }
}
