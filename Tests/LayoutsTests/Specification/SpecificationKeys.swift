import Diagnostics
import Foundation
import JSON

@testable import Layouts

/// The tables of the keys that objects of a layout file may have: the names and whether a key must be there
/// from the code, what each means from the page.
enum SpecificationKeys {
  static var sections: [SpecificationPage.Section] {
    [
      section("sections", base: file) { $0 },
      section("forms", base: ["name": "a"]) { file(with: "forms", [$0]) },
      section("headless", base: ["classes": [:]]) { file(with: "headless", $0) },
      section("detect", base: [:]) { file(with: "detect", $0) },
      section("config", base: ["keys": []]) { file(with: "config", $0) },
      section("options of facts", base: ["key": "a", "fact": "hidden"], without: entryKeys) {
        file(with: "config", ["keys": [$0]])
      },
      section("tensors", base: ["name": "e", "is": "embedding"], with: ["opaque", "weave"]) {
        file(with: "tensors", [$0])
      },
      section("parts", base: ["part": "m2rnn/keys"]) { value in
        _ = try PartUse(value)
        return nil
      },
      section("code", base: ["file": "graft_m2rnn_mlx.py"]) { file(with: "code", [$0]) },
      section("scales", base: ["config": "a", "names": ["{name}_s"]]) { file(with: "scales", $0) },
      section("mtp", base: [:]) { file(with: "mtp", $0) },
      section("carry", base: ["prefix": "v."]) { file(with: "carry", [$0]) },
      section("reordered", base: reordered) {
        file(with: "carry", [["prefix": "v.", "as": "w.", "reordered": [$0]]])
      },
      section("limits", base: ["holds": "tied", "because": "x"], with: ["some"]) {
        file(with: "limits", [$0])
      },
      section("notes", base: ["widened": true, "says": "x"]) { file(with: "notes", [$0]) },
      section("loads", base: ["program": "x", "call": "y"]) { file(with: "loads", [$0]) },
    ]
  }

  private static let reordered: JSONValue = ["name": "a", "order": [0], "axis": 0, "key": "b"]

  /// A small layout file.
  private static let file: JSONValue = [
    "layout": "x", "about": "X.", "version": 1, "detect": [:], "semantics": [:],
    "config": ["keys": []], "tensors": [["name": "e", "is": "embedding"]],
  ]

  private static func file(with section: String, _ value: JSONValue) -> JSONValue? {
    guard case .object(var object) = file else { return nil }
    object[section] = value
    return .object(object)
  }

  /// The keys of an entry of a config that belong to entries of every kind, and those that tell the kinds.
  private static let entryKeys = Set(
    ["key", "fact", "or", "when", "omit", "as"] + ConfigEntry.kinds.flatMap { $0.tellingKeys })

  private static func section(
    _ name: String, base: JSONValue, with more: [String] = [], without others: Set<String> = [],
    _ file: @escaping (JSONValue) throws -> JSONValue?
  ) -> SpecificationPage.Section {
    (
      name,
      { lines in
        let keys = try keys(base, file).union(more).subtracting(others)
        let needed = try keys.filter { try isNeeded($0, base, file) }
        return table(keys, needed, lines)
      }
    )
  }

  /// The table with the rows that stand there, in their order, and those that are new.
  private static func table(_ keys: Set<String>, _ needed: Set<String>, _ lines: [String])
    -> [String]
  {
    let old = lines.dropFirst(2).map { line in
      line.dropFirst(2).dropLast(2).components(separatedBy: " | ")
    }
    var rows: [[String]] = []
    var written: Set<String> = []
    for cells in old where !cells.isEmpty {
      let names = cells[0].matches(of: #/`([^`]+)`/#).map { String($0.output.1) }
      guard !names.isEmpty, keys.isSuperset(of: names) else { continue }
      rows.append([cells[0], isNeeded(names, needed)] + cells.dropFirst(2))
      written.formUnion(names)
    }
    for key in keys.subtracting(written).sorted() {
      rows.append(["`\(key)`", isNeeded([key], needed), SpecificationPage.unwritten])
    }
    return SpecificationPage.table(["key", "must be there", "meaning"], rows)
  }

  private static func isNeeded(_ names: [String], _ needed: Set<String>) -> String {
    needed.isSuperset(of: names) ? "yes" : ""
  }

  /// The keys that an object may have, as the refusal of another key names them.
  private static func keys(_ base: JSONValue, _ file: (JSONValue) throws -> JSONValue?) throws
    -> Set<String>
  {
    let problem = try problem(base, "?", 1, file)
    return Set((problem?.expected ?? "").components(separatedBy: ", "))
  }

  /// Whether an object is refused without a key.
  private static func isNeeded(
    _ key: String, _ base: JSONValue, _ file: (JSONValue) throws -> JSONValue?
  ) throws -> Bool {
    let problem = try problem(base, key, nil, file)
    return problem?.what.contains("lacks a key") == true && problem?.expected == key
  }

  /// The refusal of an object with a key changed; nil where it is read.
  private static func problem(
    _ base: JSONValue, _ key: String, _ value: JSONValue?,
    _ file: (JSONValue) throws -> JSONValue?
  ) throws -> Problem? {
    guard case .object(var object) = base else { return nil }
    object[key] = value
    do {
      guard let file = try file(.object(object)) else { return nil }
      _ = try Layout.forms(parsing: Array(file.text().utf8))
      return nil
    } catch let problem as Problem {
      return problem
    }
  }
}
