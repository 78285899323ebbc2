import Canonical
import Diagnostics
import JSON
import Testing

@testable import Layouts

/// What several layouts say in the same words, and config keys about exceptions.
struct LayoutPartTests {
  private static let part = """
    { "part": "mixer", "about": "X.", "lists": {
      "keys": [{ "key": "odd", "groups": { "member": "layers", "instead_of": { "mixer": "gdn" },
        "set": { "mixer": "m2rnn" }, "keys": [["taps", "m2rnn.taps"]] } }],
      "tensors": [{ "name": "{place}o", "when": "mixer=m2rnn", "is": "m2rnn.o" },
        { "name": "{place}D", "when": "mixer=m2rnn", "is": "m2rnn.D" }] } }
    """
  private static let tensors = #"{ "part": "mixer/tensors", "place": "h.{layer}." }"#

  private func layout(_ tensors: String = tensors, part: String = part) throws -> Layout {
    let file = """
      { "layout": "x", "about": "X.", "version": 1, "detect": {}, "semantics": {},
        "config": { "keys": [["layers", "layers"],
          { "key": "kinds", "list": { "g": { "mixer": "gdn" }, "a": { "mixer": "attention" } } },
          { "part": "mixer/keys" }] },
        "tensors": [\(tensors), { "name": "e", "is": "embedding" }] }
      """
    let layouts = try LayoutCatalogue(
      files: [("x.json", Array(file.utf8))],
      parts: LayoutParts([("p.json", Array(part.utf8))]))
    return try layouts.layout("x")
  }

  @Test func rulesOfAPartStandWhereALayoutUsesThem() throws {
    let layout = try layout()
    #expect(layout.tensors.map(\.name.text) == ["h.{layer}.o", "h.{layer}.D", "e"])
    #expect(layout.config.entries.map(\.key) == ["layers", "kinds", "odd"])
  }

  private func use(but changes: String) throws -> Layout {
    try layout(Self.tensors.replacing(#"." }"#, with: #"." , "but": \#(changes) }"#))
  }

  @Test func aLayoutChangesRulesOfAPart() throws {
    let changed = try use(but: #"{ "{place}o": { "ops": [["transpose", [1, 0]]] } }"#)
    #expect(changed.tensors[0] != (try layout().tensors[0]))
    #expect(changed.tensors[1...] == (try layout().tensors[1...]))
    let shortened = try use(but: #"{ "{place}o": null }"#)
    #expect(shortened.tensors == Array(try layout().tensors[1...]))
  }

  @Test(arguments: [#"{ "{place}x": null }"#, #"{ "{place}o": 1 }"#, "[]", "1"])
  func aChangeOfNothingIsRefused(change: String) {
    #expect(throws: Problem.self) { try use(but: change) }
  }

  @Test(arguments: [
    #"{ "part": "mixed/tensors", "place": "h" }"#, #"{ "part": "mixer", "place": "h" }"#,
    #"{ "part": "mixer/tensor", "place": "h" }"#, #"{ "part": "mixer/tensors" }"#,
    #"{ "part": "mixer/keys", "place": "h" }"#, #"{ "part": 1, "place": "h" }"#,
    #"{ "part": "mixer/tensors", "place": "h", "is": "embedding" }"#,
  ])
  func aWrongUseIsRefused(use: String) {
    #expect(throws: Problem.self) { try layout(use) }
  }

  @Test(arguments: [
    ("\"about\"", "\"abaut\""), ("mixer=m2rnn\"", "m&\""),
    ("\"lists\": {", "\"lists\": [], \"x\": {"),
    ("\"keys\": [{", "\"keys\": {}, \"x\": [{"),
  ])
  func aWrongPartIsRefused(old: String, new: String) {
    let part = Self.part.replacing(old, with: new)
    #expect(part != Self.part)
    #expect(throws: Problem.self) { try layout(part: part) }
  }

  /// What is shared is shared: a list that one layout alone uses belongs into its file.
  @Test func everyListIsUsedMoreThanOnce() throws {
    let files = FormatFiles.layouts.map(\.text)
    for part in try LayoutParts.builtIn.all() {
      for list in part.lists.keys {
        let use = #""part": "\#(part.name)/\#(list)""#
        #expect(files.count { $0.contains(use) } > 1, "\(use)")
      }
    }
  }

  /// The facts of layers that a config states.
  private func layers(_ config: String) throws -> [Facts] {
    let table = try layout().config
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
    let table = try layout().config
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
