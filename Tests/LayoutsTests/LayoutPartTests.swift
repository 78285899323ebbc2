import Canonical
import Diagnostics
import JSON
import Testing

@testable import Layouts

/// What several layouts say in the same words, and config keys about exceptions.
struct LayoutPartTests {
  private static let part = """
    { "part": "mixer", "about": "X.",
      "keys": [{ "key": "odd", "groups": { "member": "layers", "instead_of": { "mixer": "gdn" },
        "set": { "mixer": "m2rnn" }, "keys": [["taps", "m2rnn.taps"]] } }],
      "tensors": [{ "name": "{place}o", "when": "mixer=m2rnn", "is": "m2rnn.o" }] }
    """

  private func layout(_ use: String, part: String = part) throws -> Layout {
    let file = """
      { "layout": "x", "about": "X.", "version": 1, "detect": {}, "semantics": {}, \(use)
        "config": { "keys": [["layers", "layers"],
          { "key": "kinds", "list": { "g": { "mixer": "gdn" }, "a": { "mixer": "attention" } } }] },
        "tensors": [{ "name": "e", "is": "embedding" }] }
      """
    let layouts = try LayoutCatalogue(
      files: [("x.json", Array(file.utf8))], parts: [("p.json", Array(part.utf8))])
    return try layouts.layout("x")
  }

  @Test func aPartComesAfterTheKeysAndTensorsOfTheLayout() throws {
    let layout = try layout(#""parts": { "mixer": "h.{layer}." },"#)
    #expect(layout.tensors.map(\.name.text) == ["e", "h.{layer}.o"])
    #expect(layout.config.entries.map(\.key) == ["layers", "kinds", "odd"])
    #expect(try self.layout("").tensors.count == 1)
  }

  @Test(arguments: [
    #""parts": { "mixed": "h" },"#, #""parts": ["mixer"],"#, #""parts": { "mixer": 1 },"#,
  ])
  func aWrongUseIsRefused(use: String) {
    #expect(throws: Problem.self) { try layout(use) }
  }

  @Test(arguments: [
    ("\"about\"", "\"abaut\""), ("mixer=m2rnn\"", "m&\""), ("instead_of", "others"),
  ])
  func aWrongPartIsRefused(old: String, new: String) {
    let use = #""parts": { "mixer": "h.{layer}." },"#
    let part = Self.part.replacing(old, with: new)
    if old == "instead_of" {
      #expect(throws: Never.self) { try layout(use, part: part) }
    } else {
      #expect(throws: Problem.self) { try layout(use, part: part) }
    }
  }

  /// The facts of layers that a config states.
  private func layers(_ config: String) throws -> [Facts] {
    let table = try layout(#""parts": { "mixer": "h.{layer}." },"#).config
    let object = try table.table(JSONValue(parsing: Array(config.utf8)))
    return try table.entries.reduce(into: []) { layers, entry in
      guard let rule = entry.layerRule else { return }
      let list = try rule.readLayers(from: object, known: ["layers": .integer(3)])
      if layers.isEmpty { layers = list }
      guard !list.isEmpty else { return }
      try rule.exceptions?.check(list, from: layers, at: rule.key)
      for index in layers.indices { layers[index].merge(list[index]) { $1 } }
    }
  }

  @Test func exceptionsReplaceWhatAListSays() throws {
    let facts = try layers(
      #"{ "kinds": ["g", "a", "g"], "odd": [{ "layers": [2], "taps": 4 }] }"#)
    #expect(facts.map { $0["mixer"] } == [.word("gdn"), .word("attention"), .word("m2rnn")])
    #expect(facts[2]["m2rnn.taps"] == .integer(4))
    #expect(try layers(#"{ "kinds": ["g", "a", "g"] }"#)[2]["mixer"] == .word("gdn"))
  }

  @Test(arguments: ["[1]", "[3]", "[0, 0]", "[-1]", "[0.5]", "0"])
  func exceptionsFromNothingAreRefused(list: String) {
    #expect(throws: Problem.self) {
      try layers(#"{ "kinds": ["g", "a", "g"], "odd": { "layers": \#(list), "taps": 4 } }"#)
    }
  }

  @Test func listsSayWhatExceptionsStandFor() throws {
    let table = try layout(#""parts": { "mixer": "h.{layer}." },"#).config
    let odd: Facts = ["mixer": .word("m2rnn"), "m2rnn.taps": .integer(4)]
    let facts = LayerFacts(
      layers: [
        odd, ["mixer": .word("attention")], odd.merging(["m2rnn.taps": .integer(2)]) { $1 },
      ], predictions: 0)
    let rules = table.entries.compactMap(\.layerRule)
    let lists = rules.compactMap { $0.value(for: table.stated(facts, by: $0)) }
    let expected = """
      [["g", "a", "g"], [{ "layers": [0], "taps": 4 }, { "layers": [2], "taps": 2 }]]
      """
    #expect(JSONValue.array(lists) == (try JSONValue(parsing: Array(expected.utf8))))
    let plain = LayerFacts(layers: [["mixer": .word("gdn")]], predictions: 0)
    #expect(rules.last?.value(for: plain) == nil)
  }
}
