import Canonical
import Diagnostics
import GraftTestSupport
import JSON
import Testing

@testable import Layouts

/// What is found in a layout file that contradicts itself, and where.
struct LayoutCheckTests {
  private func check(_ bytes: [UInt8]) throws -> LayoutCheck {
    try LayoutCheck(LayoutFile(name: "my.json", bytes: bytes, sha256: "00"), in: .builtIn())
  }

  @Test func theExampleKeepsItsLaws() throws {
    let check = try check(Array(LayoutExample.text.utf8))
    #expect(check.layout.id == "packed-tp" && check.forms == 1 && check.held > 20)
    #expect(check.layout.record == LayoutFile.Record(name: "my.json", sha256: "00"))
  }

  /// What is replaced in the example, by what, the place of the fault and what the message says.
  static let faults: [(old: String, new: String, place: String, mention: String)] = [
    ("\"num_layers\"", "\"hidden_size\"", "config.keys[3]", "two keys"),
    (
      "[[0, { \"mixer\": \"gdn\" }], [1", "[[0, { \"mixer\": \"gdn\" }], [0", "config.keys[8]",
      "read"
    ),
    (
      "\"list\": [[0, { \"mixer\": \"gdn\" }], [1, { \"mixer\": \"attention\" }]] }",
      "\"list\": [[0, { \"mixer\": \"gdn\" }], [1, { \"mixer\": \"attention\" }]], \"only_interval\": true, \"interval\": { \"default\": 4, \"every\": 1, \"other\": 0 } }",
      "config.keys[8].interval", "layer_kinds"
    ),
    ("\"groups\": \"tp\"", "\"groups\": \"pt\"", "tensors[2]", "unknown symbol"),
    ("\"I/tp\"", "\"I/7\"", "tensors[", "remainder"),
    ("[\"gdn.b\", \"nv/tp\"]", "[\"gdn.b\", \"nk/tp\"]", "tensors[2]", "does not fit"),
    ("{ \"when\": \"!tied\", ", "{ ", "tensors", "do not have"),
    ("\"when\": \"!tied\", ", "", "tensors", "do not have"),
    (
      "{ \"name\": \"decoder.final_layernorm.weight\", \"is\": \"final_norm\" },", "", "tensors",
      "final_norm"
    ),
    ("[\"packed_tp\"]", "[\"other\"]", "detect", "recognise"),
    ("q_layernorm", "k_layernorm", "tensors", "claim a tensor"),
    (
      "\"is\": \"mixer_norm\" }", "\"is\": \"mixer_norm\", \"ops\": [[\"shift\", 1e30]] }",
      "tensors[1]",
      "loses values"
    ),
    (
      "[\"split\", 0, [\"tp\", \"2*I/tp\"]]", "[\"split\", 0, [\"tp\", \"I/tp\"]]", "tensors[",
      "step"
    ),
    ("\"is\": \"mlp_norm\"", "\"is\": \"mlp_nrm\"", "tensors[13].is", "unknown role"),
    ("[\"unit\", 1]", "[\"unit\", -1]", "tensors[3].ops[0]", "an axis"),
    (
      "[\"hidden_size\", \"hidden\"]", "[\"hidden_size\", \"hiden\"]", "config.keys[3].fact",
      "unknown fact"
    ),
    ("\"version\": 1", "\"version\": 1, \"sort\": 2", "sort", "unknown key"),
    ("\"layout\": \"packed-tp\"", "\"layout\": \"fla\"", "layout", "built in"),
    ("\"part\": \"m2rnn/keys\"", "\"part\": \"m2rn/keys\"", "config.keys[9]", "unknown part"),
  ]

  @Test(arguments: faults)
  func aFaultIsFoundWithItsPlace(old: String, new: String, place: String, mention: String) throws {
    let bytes = LayoutExample.text(replacing: old, with: new)
    if bytes == Array(LayoutExample.text.utf8) {
      #expect(old.hasPrefix("{ \"when\""), "the example has no \(old)")
      return
    }
    let problem = try #require(throws: Problem.self) { _ = try check(bytes) }
    #expect(problem.kind == .invalid && problem.file == "my.json", "\(problem.text)")
    #expect(problem.each.contains { $0.place?.hasPrefix(place) == true }, "\(problem.text)")
    #expect(problem.text.contains(mention), "\(problem.text)")
  }

  @Test(arguments: ["", "{", "[1]", "{}", "\u{0}", "{ \"layout\": 5 }"])
  func whatIsNoLayoutFileIsRefused(text: String) {
    #expect(throws: Problem.self) { _ = try check(Array(text.utf8)) }
  }

  /// Numbers that cannot be meant are refused, and none of them is counted with.
  @Test(arguments: [
    ("[[\"unit\", 1]]", "[[\"take\", 0, \"t\"]]"),
    ("{layer}.input", "{layer+9223372036854775807}.input"),
    ("\"groups\": \"tp\"", "\"groups\": 9223372036854775807"),
    ("\"nv/tp\"", "\"9223372036854775807*nv\""), ("\"nv/tp\"", "9223372036854775807"),
    ("\"axis\": 0", "\"axis\": -1"), ("\"axis\": 0", "\"axis\": 99999999999"),
    ("\"fact\": \"rope.fraction\"", "\"fact\": \"positions\", \"plus\": -9223372036854775808"),
    ("\"version\": 1,", "\"version\": 1, \"tables\": { \"t\": [] },"),
    ("\"version\": 1,", "\"version\": 1, \"dims\": { \"tp\": 2 },"),
  ])
  func absurdNumbersAreRefused(old: String, new: String) {
    let bytes = LayoutExample.text(replacing: old, with: new)
    #expect(bytes != Array(LayoutExample.text.utf8))
    #expect(throws: Problem.self) { _ = try check(bytes) }
  }

  @Test func aFileThatIsTooLargeIsNotRead() {
    let text = LayoutExample.text + String(repeating: " ", count: LayoutFile.largest)
    #expect(throws: Problem.self) { _ = try check(Array(text.utf8)) }
  }

  @Test func twoFilesOfOneIDAreRefused() throws {
    let files = ["a.json", "b.json"].map {
      LayoutFile(name: $0, bytes: Array(LayoutExample.text.utf8), sha256: "00")
    }
    let catalogue = try LayoutCatalogue.builtIn()
    #expect(try catalogue.adding([files[0]]).ids.contains("packed-tp"))
    let problem = try #require(throws: Problem.self) { _ = try catalogue.adding(files) }
    #expect(problem.file == "b.json" && problem.found?.contains("a.json") == true)
  }

  /// A part stands where a list names it.
  @Test func partsStandInTheirPlace() throws {
    let layout = try check(Array(LayoutExample.text.utf8)).layout
    let keys = layout.config.entries.map(\.key)
    let place = try #require(keys.firstIndex(of: "m2rnn"))
    #expect(keys[place - 1] == "layer_kinds" && keys[place + 1] == "num_attention_heads")
    let names = layout.tensors.map(\.name.text)
    #expect(names.filter { $0.contains(".m2rnn.") }.count == 12)
    #expect(names.last == "output_layer.weight")
    #expect(layout.tensorPlaces.contains("tensors[8] (part m2rnn/tensors, rule 0)"))
  }

  /// A size of the layout comes back, and a model from elsewhere gets the standard one.
  @Test func sizesOfTheLayoutAreWritten() throws {
    let layout = try check(Array(LayoutExample.text.utf8)).layout
    var configuration = try #require(try GeneratedModel.configuration(seed: 3, in: layout))
    configuration.sizes = ["tp": 4]
    let written = layout.writtenConfig(configuration)
    #expect(written["tensor_parallel"] == 4)
    #expect(try layout.configuration(from: written).sizes == ["tp": 4])
    configuration.sizes = [:]
    #expect(layout.writtenConfig(configuration)["tensor_parallel"] == 2)
  }

  /// Rows of the woven tensor, rank by rank.
  @Test func rowsOfEachRankStandTogether() throws {
    let layout = try check(Array(LayoutExample.text.utf8)).layout
    let models = (0..<64).compactMap { SampleModel(seed: $0, for: layout).configuration }
    let model = try #require(
      models.first { $0.sizes["tp"] == 2 && $0.layers.contains { $0.mixer.kind == "gdn" } })
    let tensor = try #require(
      try LayoutBinding(layout, model).tensors.first { $0.name.hasSuffix("in_proj.weight") })
    let parts = Dictionary(uniqueKeysWithValues: tensor.parts.map { ($0.role.name, $0) })
    let (q, a) = (try #require(parts["gdn.q"]), try #require(parts["gdn.a"]))
    let half = tensor.shape.reduce(1, *) / 2
    #expect(q.view.positions.first == 0 && a.view.positions.last == 2 * half - 1)
    let ofFirst = q.view.positions.filter { $0 < half }.count
    #expect(ofFirst * 2 == q.shape.reduce(1, *))
  }
}
