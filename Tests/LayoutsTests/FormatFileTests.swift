import Canonical
import Diagnostics
import Foundation
import GraftTestSupport
import JSON
import Tensors
import Testing

@testable import Layouts

/// The files of `formats/`, and what a layout file may not say.
struct FormatFileTests {
  private static let folder = Fixtures.directory.removingLastComponent().appending("formats")

  /// The ids of the layout files in the folder.
  private static let ids: [String] =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.string)) ?? [])
    .filter { $0.hasSuffix(".json") }.map { String($0.dropLast(".json".count)) }.sorted()

  @Test func everyFileOfTheFolderIsBuiltIn() throws {
    let catalogue = try LayoutCatalogue.builtIn()
    #expect(catalogue.ids.sorted() == Self.ids && !Self.ids.isEmpty)
    #expect(try catalogue.layouts.count == catalogue.outlines.count)
  }

  /// What `graft formats --check` does with a file of a stranger.
  @Test(arguments: ids) func everyBuiltInLayoutKeepsItsLaws(id: String) throws {
    let bytes = try Fixtures.contents(Self.folder.appending(id + ".json"))
    let file = LayoutFile(name: id, bytes: Array(bytes), sha256: "")
    let check = try LayoutCheck(file, in: .builtIn())
    #expect(check.layout.id == id)
    #expect(check.layout.inspectOnly != nil || check.held * 8 >= check.models, "\(check.held)")
  }

  @Test(arguments: ids) func aBuiltInFileIsShownAsItIs(id: String) throws {
    let bytes = try Fixtures.contents(Self.folder.appending(id + ".json"))
    #expect(
      try LayoutCatalogue.builtInText(id, whole: false) == String(decoding: bytes, as: UTF8.self))
  }

  /// No model makes two rules claim a name or a role, and every part fits its tensor.
  @Test(arguments: 0..<100)
  func bindingsAreBijections(seed: UInt64) throws {
    for layout in try LayoutCatalogue.builtIn().layouts
    where layout.form.modelClass == .language || seed < 10 {
      guard let configuration = try GeneratedModel.configuration(seed: seed, in: layout) else {
        continue
      }
      let binding = try LayoutBinding(layout, configuration)
      guard binding.tensors.allSatisfy(\.isOnePiece) else { continue }
      var stored = StoredHeaders()
      for tensor in binding.tensors {
        let earlier = stored.append(tensor.name, (.f32, tensor.shape))
        #expect(earlier == nil)
      }
      try binding.check(stored: stored, file: "generated")
      for tensor in binding.tensors {
        let positions = tensor.parts.flatMap(\.view.positions)
        #expect(positions.sorted() == Array(0..<tensor.shape.reduce(1, *)), "\(tensor.name)")
      }
    }
  }

  @Test(arguments: 0..<100)
  func configsAreReadAsTheyAreWritten(seed: UInt64) throws {
    for layout in try LayoutCatalogue.builtIn().layouts
    where layout.form.modelClass == .language || seed < 10 {
      guard let configuration = try GeneratedModel.configuration(seed: seed, in: layout) else {
        continue
      }
      let written = layout.writtenConfig(configuration)
      #expect(try layout.configuration(from: written) == configuration, "\(layout.id)")
      #expect(layout.updatedConfig(written, from: configuration, to: configuration) == written)
      #expect(layout.unsaid(configuration).isEmpty)
    }
  }

  /// The generator finds enough models for every layout, so that the laws above say something.
  @Test func everyLayoutHoldsManyGeneratedModels() throws {
    for layout in try LayoutCatalogue.builtIn().layouts where layout.inspectOnly == nil {
      let held = try (0..<100).filter { seed in
        try GeneratedModel.configuration(seed: seed, in: layout) != nil
      }
      #expect(held.count >= 20, "\(layout.id): \(held.count)")
    }
  }

  /// A small layout file with one place to break.
  private func file(
    top: String = "", rule: String = #"{ "name": "e", "is": "embedding" }"#,
    key: String = #"["vocab_size", "vocabulary"]"#, semantics: String = "{}"
  ) -> [UInt8] {
    Array(
      """
      { "layout": "x", "about": "X.", "version": 1, \(top) "detect": {}, "semantics": \(semantics),
        "config": { "keys": [\(key)] }, "tensors": [\(rule)] }
      """.utf8)
  }

  @Test func theSmallFileIsValid() throws {
    #expect(try Layout.forms(parsing: file()).first?.tensors.count == 1)
  }

  @Test(arguments: [
    #"{ "name": "e", "is": "embeding" }"#,
    #"{ "name": "e", "is": "embedding", "op": [] }"#,
    #"{ "name": "e{layer}", "is": "embedding" }"#,
    #"{ "name": "e{rank}", "is": "embedding" }"#,
    #"{ "name": "e{layer", "is": "mixer_norm" }"#,
    #"{ "name": "e", "is": "embedding", "ops": [["transpose", [0, 0]]] }"#,
    #"{ "name": "e", "is": "embedding", "ops": [["reorder", 0, ["nk"], [1, 0]]] }"#,
    #"{ "name": "e", "is": "embedding", "ops": [["take", 0, "nowhere"]] }"#,
    #"{ "name": "e", "is": "embedding", "ops": [["flip", 0]] }"#,
    #"{ "name": "e", "is": "embedding", "dtype": "F33" }"#,
    #"{ "name": "e", "is": "embedding", "when": "a & " }"#,
    #"{ "name": "{layer}", "weave": { "axis": 0, "parts": [["gdn.q", "nk-1"]] } }"#,
    #"{ "name": "{layer}", "weave": { "axis": 0, "parts": [["gdn.q"]] } }"#,
    #"{ "name": "{layer}", "weave": { "axis": 0, "parts": [["head", "vocab"]] } }"#,
  ])
  func aWrongRuleIsRefused(rule: String) {
    #expect(throws: Problem.self) { try Layout.forms(parsing: file(rule: rule)) }
  }

  @Test(arguments: [
    #"["vocab_size", "vocabulery"]"#,
    #"{ "key": "a", "fact": "hidden", "default": 1 }"#,
    #"{ "key": "a", "fact": "hidden", "map": "nowhere" }"#,
    #"{ "key": "a", "cases": [[1]] }"#,
    #"{ "key": "a", "alternatives": "nowhere" }"#,
    #"{ "key": "a", "fact": "hidden", "derived": {} }"#,
    #"{ "key": "a", "fact": "hidden", "derived": { "fact": "layers", "key": "n" } }"#,
    #"""
    { "key": "a", "groups": { "member": "l", "set": { "mixer": "gdn" }, "keys": [],
      "others": { "mixer": "gdn" }, "instead_of": { "mixer": "gdn" } } }
    """#,
  ])
  func aWrongConfigKeyIsRefused(key: String) {
    #expect(throws: Problem.self) { try Layout.forms(parsing: file(key: key)) }
  }

  @Test func unknownSectionsAndFactsAreRefused() {
    #expect(throws: Problem.self) { try Layout.forms(parsing: file(top: #""tensor": [],"#)) }
    #expect(throws: Problem.self) {
      try Layout.forms(parsing: file(semantics: #"{ "model": { "norm.epsilon": 1 } }"#))
    }
    #expect(throws: Problem.self) {
      try Layout.forms(parsing: file(top: #""tables": { "t": [0, 2] },"#))
    }
  }

  @Test(arguments: [
    (#""limits": [{ "because": "x" }],"#, "either holds or some"),
    (#""limits": [{ "holds": "mixr=gdn", "because": "x" }],"#, "an unknown fact"),
    (#""limits": [{ "holds": "a=1", "some": "a=1", "because": "x" }],"#, "either holds or some"),
    (#""carry": [{ "prefix": "h", "same": "heat" }],"#, "an unknown role"),
    (#""mtp": { "layers": ["a."], "tensors": [] },"#, "prefixes of names in pairs as layers"),
    (#""scales": { "config": "q", "names": ["s"] },"#, "names with {name} or {module}"),
    (#""scales": { "config": "q", "names": [] },"#, "names with {name} or {module}"),
  ])
  func wrongSectionsAreRefused(top: String, what: String) throws {
    let problem = try #require(throws: Problem.self) {
      try Layout.forms(parsing: file(top: top))
    }
    #expect("\(problem)".contains(what), "\(problem)")
  }

  /// Sizes of the layout's own and tables are read and used.
  @Test func sizesAndTablesOfALayout() throws {
    let rule = #"{ "name": "e", "is": "embedding", "ops": [["take", 0, "t"]] }"#
    let top = #""dims": { "twice": "2*H" }, "tables": { "t": [2, 0, 1] },"#
    let layout = try #require(Layout.forms(parsing: file(top: top, rule: rule)).first)
    #expect(layout.tensors[0].parts.count == 1)
    var configuration = try GeneratedModel.configuration(seed: 1)
    (configuration.vocabulary, configuration.hidden) = (6, 2)
    let binding = try LayoutBinding(layout, configuration)
    let positions = binding.tensors.first?.parts.first?.view.positions
    #expect(positions == Array(4..<12) + Array(0..<4))
  }

  @Test func partsOfOtherShapesAreNotWoven() throws {
    let rule = """
      { "name": "e", "weave": { "axis": 0, "parts": [["embedding", "vocab"], ["mtp.fc", "H"]] } }
      """
    let layout = try #require(Layout.forms(parsing: file(rule: rule)).first)
    let configuration = try GeneratedModel.configuration(seed: 1)
    let problem = #expect(throws: Problem.self) { try LayoutBinding(layout, configuration) }
    #expect(problem?.expected?.contains("but for axis 0") == true)
  }

  @Test func twoRulesForOneTensorAreFound() throws {
    let rule = #"{ "name": "e", "is": "embedding" }"#
    let layout = try #require(Layout.forms(parsing: file(rule: rule + "," + rule)).first)
    let binding = try LayoutBinding(layout, GeneratedModel.configuration(seed: 1))
    let shape = try #require(binding.tensors.first?.shape)
    #expect(throws: Problem.self) { try binding.check(stored: ["e": (.f32, shape)], file: "f") }
  }
}
