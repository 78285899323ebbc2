import Canonical
import Diagnostics
import Foundation
import GraftTestSupport
import JSON
import Testing

@testable import Layouts

/// What `formats/README.md` lists against what layout files may hold.
struct LayoutSpecificationTests {
  private static let lines = LayoutExample.specification.components(separatedBy: "\n")

  /// The lines from one that begins so to the next heading.
  private func section(_ heading: String) -> [String] {
    Array(
      Self.lines.drop { $0 != heading }.dropFirst()
        .prefix { !$0.hasPrefix("## ") && !$0.hasPrefix("### ") })
  }

  /// The names in backticks in the first column of the tables of a section.
  private func names(_ heading: String) -> Set<String> {
    let cells = section(heading).filter { $0.hasPrefix("| `") }.map {
      $0.components(separatedBy: " | ")[0]
    }
    return Set(
      cells.flatMap { cell in
        cell.components(separatedBy: "`").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
      })
  }

  /// The keys that an object of a layout file may have, as the refusal of another key names them.
  private func keys(_ body: () throws -> Void) throws -> Set<String> {
    let problem = try #require(throws: Problem.self) { try body() }
    #expect(problem.what.contains("unknown key"), "\(problem)")
    return Set((problem.expected ?? "").components(separatedBy: ", "))
  }

  private func parse(_ change: (inout JSONObject) -> Void) throws {
    let small = """
      { "layout": "x", "about": "X.", "version": 1, "detect": {}, "semantics": {},
        "config": { "keys": [] }, "tensors": [{ "name": "e", "is": "embedding" }] }
      """
    guard case .object(var file) = try JSONValue(parsing: Array(small.utf8)) else { return }
    change(&file)
    _ = try Layout.forms(parsing: Array(JSONValue.object(file).text().utf8))
  }

  @Test func everySectionStandsThere() throws {
    let known = try keys { try parse { $0["?"] = 1 } }
    #expect(names("## Sections") == known)
  }

  @Test func everyKeyOfAFormStandsThere() throws {
    let known = try keys {
      try parse { $0["forms"] = .array([.object(["name": "a", "?": 1])]) }
    }
    #expect(names("### forms") == known)
  }

  @Test func everyKeyOfARuleOfATensorStandsThere() throws {
    let known = try keys {
      try parse { $0["tensors"] = .array([.object(["name": "e", "is": "embedding", "?": 1])]) }
    }
    #expect(names("### tensors").isSuperset(of: known))
    #expect(names("### tensors") == known.union(["opaque", "weave"]))
  }

  @Test func everyKeyOfTheConfigStandsThere() throws {
    let known = try keys { try parse { $0["config"] = .object(["keys": .array([]), "?": 1]) } }
    #expect(names("### config").isSuperset(of: known.subtracting(["keys"])))
  }

  /// Each kind of rule is told by a key; a key with none of these states a fact.
  @Test func everyKindOfRuleStandsThere() throws {
    let text = section("### config").joined(separator: "\n")
    for key in ConfigEntry.kinds.flatMap({ $0.tellingKeys }) where key != "blocks" {
      #expect(text.contains("\"\(key)\""), "\(key)")
    }
    #expect(text.contains("\"blocks\""))
    let options = try keys {
      try parse {
        $0["config"] = .object([
          "keys": .array([.object(["key": "a", "fact": "hidden", "?": 1])])
        ])
      }
    }
    for option in options.subtracting(ConfigEntry.kinds.flatMap({ $0.tellingKeys })) {
      #expect(text.contains("`\(option)`") || text.contains("\"\(option)\""), "\(option)")
    }
  }

  @Test func everyStepStandsThere() {
    let steps = section("## Steps").filter { $0.hasPrefix("**") }.compactMap {
      $0.components(separatedBy: "**").dropFirst().first
    }
    #expect(Set(steps) == Set(LayoutStep.names).union(["weave", "dtype"]))
  }

  @Test func everySymbolAndActivationStandsThere() {
    let text = LayoutExample.specification
    for symbol in RoleTable.symbols { #expect(text.contains("`\(symbol)`"), "\(symbol)") }
  }
}
