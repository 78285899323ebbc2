import Foundation
import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Splices described by a file, layers chosen by measuring, and the page about them.
@Suite struct SpliceRecipeTests {
  private let folder: TemporaryDirectory
  private let source = Fixtures.path("trained/pytiny")

  init() throws { folder = try TemporaryDirectory() }

  private func splice(_ options: String...) throws -> CommandResult {
    try GraftCommand.run(
      ["splice", source.string, folder.path.appending("out").string] + options, seconds: 60)
  }

  private static let yaml = """
    # two groups
    splice:
      - layers: [1]
        init: zero
        k_head_dim: 8
        v_head_dim: 4
        heads: 3
      - layers: [3, 0]
        init: transfer
        seed: 7
        heads: 2
    """

  private static let json = """
    {"splice": [{"layers": [1], "init": "zero", "k_head_dim": 8, "v_head_dim": 4, "heads": 3},
      {"layers": [3, 0], "init": "transfer", "seed": 7, "heads": 2}]}
    """

  @Test func everyGroupHasItsOwnSizes() throws {
    var files: [[String: PlainCheckpointFile.Tensor]] = []
    for (name, text) in [("r.yaml", Self.yaml), ("r.json", Self.json)] {
      let recipe = try folder.write(name, text.utf8).string
      let result = try splice("--recipe", recipe, "--overwrite", "--json")
      expectSuccess(result)
      let report = try result.json()
      #expect(report["layers"]?.array?.compactMap { $0["index"]?.int } == [1, 3, 0])
      #expect(report["cumulative"]?.array?.compactMap { $0["layer"]?.int } == [1, 3, 0])
      #expect(report["layers"]?.array?.map { $0["fit"] == nil } == [true, false, false])
      files.append(try EditableCheckpoint.tensors(of: folder.path.appending("out")))
    }
    #expect(files[0] == files[1])
    let weights = ["1", "3", "0"].map {
      files[0]["transformer.h.\($0).sequence_mixer.state_weight"]?.shape
    }
    #expect(weights == [[3, 4, 4], [2, 16, 16], [2, 16, 16]])
  }

  @Test(arguments: [
    ("", 65, "empty"), ("splice: []", 65, "no list splice"), ("layers: [0]", 65, "layers"),
    ("splice:\n  - init: zero", 65, "names no layers"),
    ("splice:\n  - layers: [x]", 65, "names no layers"),
    ("splice:\n  - layers: [0]\n    init: magic", 65, "magic"),
    ("splice:\n  - layers: [0]\n    Heads: 3", 65, "Heads"),
    ("splice:\n  - layers: [0]\n    heads: 0", 65, "heads"),
    ("splice:\n  - layers: [0]\n    seed: -1", 65, "seed"),
    ("splice: [", 65, "not valid YAML"), ("splice:\n  - layers: [0]\n  - layers: [0]", 64, "gdn"),
    ("splice:\n  - layers: [2]", 64, "attention"),
    ("splice:\n  - layers: [0]\n    init: calibrate", 64, "--tokens"),
  ])
  func recipesThatCannotBeMeant(_ text: String, _ code: Int32, _ mention: String) throws {
    let recipe = try folder.write("r.yaml", text.utf8).string
    expectRefusal(try splice("--recipe", recipe), code, [mention])
    #expect(EditableCheckpoint.names(in: folder.path) == ["r.yaml"])
  }

  @Test func optionsThatExcludeEachOther() throws {
    let recipe = try folder.write("r.yaml", Self.yaml.utf8).string
    for options in [
      ["--recipe", recipe, "--layer", "0"], ["--recipe", recipe, "--heads", "3"],
      ["--recipe", recipe, "--init", "zero"], ["--recipe", recipe, "--seed", "1"],
      ["--layer", "0", "--top", "2"], ["--layer", "auto"],
      ["--recipe", folder.path.appending("r.txt").string],
    ] {
      let out = folder.path.appending("out").string
      let result = try GraftCommand.run(["splice", source.string, out] + options)
      #expect([64, 66].contains(result.exitCode), "\(result)")
    }
  }

  /// The paper's layers are numbered for its own models; on a smaller one only the first is there.
  @Test(arguments: [
    ("paper-400m-1-layer", 0), ("paper-400m-3-layers", 64), ("paper-7b-1-layer", 0),
    ("paper-7b-5-layers", 64),
  ])
  func shippedRecipesAreRead(_ name: String, _ code: Int32) throws {
    let recipe = Fixtures.path("../recipes/\(name).yaml").string
    let result = try splice("--recipe", recipe, "--dry-run")
    #expect(result.exitCode == code, "\(result)")
    if code == 64 { #expect(result.errors.contains("there is no such layer"), "\(result)") }
  }

  @Test func layersAreChosenByWhatTheyCost() throws {
    let text = try Fixtures.bytes("trained/python-source.val.bin")
    let tokens = try folder.write("t.bin", text.prefix(1024)).string
    let page = folder.path.appending("page.html").string
    let result = try splice(
      "--layer", "auto", "--top", "2", "--init", "zero", "--heads", "2", "--k-head-dim", "8",
      "--tokens", tokens, "--bytes", "--json", "--report", page)
    expectSuccess(result)
    let report = try result.json()
    let rows = try #require(report["ranking"]?.array)
    #expect(Set(rows.compactMap { $0["layer"]?.int }) == [0, 1, 3])
    let costs = rows.compactMap { $0["fitted"]?["mean_kl"]?.number }
    #expect(costs == costs.sorted() && costs.count == 3)
    let chosen = rows.filter { $0["chosen"] == true }.compactMap { $0["layer"]?.int }
    #expect(chosen == rows.prefix(2).compactMap { $0["layer"]?.int })
    #expect(report["layers"]?.array?.compactMap { $0["index"]?.int } == chosen.sorted())
    for row in rows {
      #expect(row["silenced"]?["relative_error"]?.number == 1)
      #expect(row["silenced"]?["mean_kl"]?.number ?? 0 > row["fitted"]?["mean_kl"]?.number ?? 9)
    }
    let html = String(decoding: try Fixtures.contents(FilePath(page)), as: UTF8.self)
    #expect(html.hasPrefix("<!doctype html>") && !html.contains("nan"))
    #expect(html.components(separatedBy: "<figure").count == 5 && !html.contains("http"))
  }
}
