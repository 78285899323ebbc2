import Foundation
import GraftTestSupport
import JSON
import Testing

@testable import Canonical
@testable import Layouts

/// What `formats/README.md` says, against the code and the layout files.
struct SpecificationTests {
  private static let text = LayoutExample.specification

  /// Tables are what the code declares; `make errors` writes them anew.
  @Test func tablesComeFromTheCode() throws {
    let names = SpecificationPage.names(in: Self.text)
    #expect(names.found == names.expected)
    let renewed = try SpecificationPage.renewed(Self.text)
    #expect(!renewed.contains("| \(SpecificationPage.unwritten) |"), "a row without a meaning")
    if ProcessInfo.processInfo.environment["GRAFT_RECORD"] != nil {
      try Data(renewed.utf8).write(to: URL(fileURLWithPath: SpecificationPage.path.string))
      Issue.record("the tables were written anew: look at the difference, then run the tests again")
      return
    }
    let pairs = zip(
      renewed.components(separatedBy: "\n"), Self.text.components(separatedBy: "\n"))
    for (expected, found) in pairs where expected != found {
      Issue.record("formats/README.md says \"\(found)\", the code \"\(expected)\": see make errors")
      return
    }
    #expect(renewed == Self.text)
  }

  /// Each kind of rule is told by a key; a key with none of these states a fact.
  @Test func everyKindOfRuleStandsThere() {
    let rows = Self.text.components(separatedBy: "\n").filter { $0.hasPrefix("| `{ \"key\"") }
    for key in ConfigEntry.kinds.flatMap({ $0.tellingKeys }) {
      #expect(rows.contains { $0.contains("\"\(key)\"") }, "\(key)")
    }
    for option in ["or", "when", "omit", "as"] { #expect(Self.text.contains("- `\(option)`: ")) }
  }

  @Test func everyStepStandsThere() {
    let steps = Self.text.components(separatedBy: "\n## Steps").last?
      .components(separatedBy: "\n## ").first?.matches(of: #/(?m)^\*\*(\w+)\*\*/#)
      .map { String($0.output.1) }
    #expect(Set(steps ?? []) == Set(LayoutStep.names).union(["weave", "dtype"]))
  }

  @Test func everySymbolStandsThere() {
    for symbol in RoleTable.symbols { #expect(Self.text.contains("`\(symbol)`"), "\(symbol)") }
  }

  /// Roles are there under the conditions that the page gives, and all others always.
  @Test func rolesAreThereWhereThePageSays() throws {
    let rows =
      Self.text.components(separatedBy: "| roles | there where |").last?
      .components(separatedBy: "\n").prefix { $0.isEmpty || $0.hasPrefix("|") } ?? []
    var conditions: [String: Condition] = [:]
    for cells in rows.map({ $0.components(separatedBy: " | ") }) where cells.count == 2 {
      let condition = try Condition(cells[1].trimmingCharacters(in: ["`", " ", "|"]))
      for name in cells[0].matches(of: #/`([^`]+)`/#) {
        conditions[String(name.output.1)] = condition
      }
    }
    #expect(conditions.keys.allSatisfy { RoleTable[$0] != nil })
    for seed in 0..<60 {
      guard let configuration = try? GeneratedModel.configuration(seed: UInt64(seed)) else {
        continue
      }
      for layer in configuration.layers.indices {
        let facts = configuration.factsByLayer[layer]
        let there = configuration.roleNames(of: configuration.layers[layer])
          .union(configuration.roleNames(of: nil))
        for role in RoleTable.all where !role.name.hasPrefix("mtp.") {
          let mixer = role.name.prefix { $0 != "." }
          let isOfMixer = Mixer.known.contains { $0.kind == mixer }
          if isOfMixer, configuration.layers[layer].mixer.kind != mixer { continue }
          #expect(
            there.contains(role.name) == (conditions[role.name]?.holds(facts) ?? true),
            "\(role.name), seed \(seed), layer \(layer)")
        }
      }
    }
  }

  /// An example that is said to be from a layout file stands in it, its parts filled in.
  @Test func examplesStandInTheirFiles() throws {
    let blocks = Self.text.components(separatedBy: "```json\n")
    var count = 0
    for (before, block) in zip(blocks, blocks.dropFirst()) {
      let words =
        before.components(separatedBy: "```").last?.components(separatedBy: "\n#").last ?? ""
      let files =
        words.matches(of: #/[Ff]rom\s+`([\w\/.-]+)`(?:\s+and\s+`([\w\/.-]+)`)?/#)
        .map { [$0.output.1, $0.output.2 ?? ""].flatMap { Self.texts(String($0)) } }
        .last { !$0.isEmpty } ?? []
      guard !files.isEmpty else { continue }
      for value in try Self.values(block.components(separatedBy: "```")[0]) {
        #expect(files.contains { $0.holds(value) }, "\(value.text(indent: 0))")
        count += 1
      }
    }
    #expect(count > 12)
  }

  /// A layout file or a part of the build as it is, and with its parts filled in; nothing for another name.
  private static func texts(_ name: String) -> [JSONValue] {
    let id = name.replacing("parts/", with: "").replacing(".json", with: "")
    return [true, false].compactMap { whole in
      (try? LayoutCatalogue.builtInText(id, whole: whole))
        .flatMap { try? JSONValue(parsing: Array($0.utf8)) }
    }
  }

  /// The values of a block: one, or several with or without commas between them.
  private static func values(_ block: String) throws -> [JSONValue] {
    let list = "[" + block.replacing(#/\}\s*,?\s*\n\{/#, with: "},\n{") + "]"
    return try JSONValue(parsing: Array(list.utf8)).array ?? []
  }
}

extension JSONValue {
  /// Whether another value stands here or inside, perhaps with more members and elements.
  fileprivate func holds(_ other: JSONValue) -> Bool {
    if covers(other) { return true }
    if let array { return array.contains { $0.holds(other) } }
    return object?.entries.contains { $0.value.holds(other) } ?? false
  }

  private func covers(_ other: JSONValue) -> Bool {
    if let members = other.object, let object {
      return members.entries.allSatisfy { key, value in object[key]?.covers(value) == true }
    }
    if let elements = other.array, let array {
      return elements.allSatisfy { element in array.contains { $0.covers(element) } }
    }
    return self == other
  }
}
