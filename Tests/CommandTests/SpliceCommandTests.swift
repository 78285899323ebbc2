import Foundation
import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Splicing through the command line: what changes, what does not, and what is refused.
@Suite struct SpliceCommandTests {
  private static let index = "model.safetensors.index.json"

  private func splice(_ source: FilePath, _ out: FilePath, _ options: String...) throws
    -> CommandResult
  {
    try GraftCommand.run(["splice", source.string, out.string] + options)
  }

  @Test(arguments: [
    ("lm-engine/gdn-hybrid", [0]), ("lm-engine/gdn-hybrid", [1, 3]), ("options/gdn-heads", [2]),
    ("options/gdn-no-gate", [0, 1, 2, 3]), ("options/bf16-sharded", [1, 3]), ("options/f16", [1]),
    ("options/f32-sharded", [1]), ("options/multipliers-tied", [1]), ("trained/pytiny", [0]),
    ("options/everything", [1]), ("options/yarn-partial", [1]), ("options/layernorm", [1]),
  ])
  func onlyTheLayerChanges(_ name: String, _ layers: [Int]) throws {
    let folder = try TemporaryDirectory()
    let (source, out) = (Fixtures.path(name), folder.path.appending("out"))
    let list = layers.map(String.init).joined(separator: ",")
    expectSuccess(try splice(source, out, "--layer", list))
    let before = try EditableCheckpoint.tensors(of: source)
    let after = try EditableCheckpoint.tensors(of: out)
    let mixers = layers.map { "transformer.h.\($0).sequence_mixer." }
    for (name, tensor) in before where !mixers.contains(where: name.hasPrefix) {
      #expect(after[name] == tensor, "\(name)")
    }
    for mixer in mixers {
      let names = after.keys.filter { $0.hasPrefix(mixer) }.map { $0.dropFirst(mixer.count) }
      #expect(
        names.sorted() == [
          "D", "conv1d.weight", "decay_gate.A_log", "decay_gate.dt_bias", "g_norm.weight",
          "input_projection.weight", "output_projection.weight", "state_weight",
        ])
    }
    #expect(
      after.keys.allSatisfy { name in before[name] != nil || mixers.contains(where: name.hasPrefix)
      })
    try expectSameConfig(source, out, but: layers)
    try expectIndexFits(out, after)
    expectSuccess(try GraftCommand.run("verify", out.string, out.string, "--gate", "0"))
  }

  @Test(arguments: [
    ("all", [0, 1, 3]), ("0-1", [0, 1]), ("3,0-1", [0, 1, 3]), ("1-1", [1]),
  ])
  func listsOfLayers(_ list: String, _ layers: [Int]) throws {
    let folder = try TemporaryDirectory()
    let result = try GraftCommand.run(
      "splice", Fixtures.path("lm-engine/gdn-hybrid").string, folder.path.appending("out").string,
      "--layer", list, "--dry-run", "--json")
    expectSuccess(result)
    let replaced = try result.json()["layers"]?.array?.compactMap { $0["index"]?.int }
    #expect(replaced?.sorted() == layers)
  }

  @Test(arguments: [
    ("0-9", "expected  0 to 3"), ("0-99999999999999", "expected  0 to 3"),
    ("1-2", "choose one of 0, 3"), ("2-1", "not a list"), ("1-", "not a list"),
    ("-1", "not a list"), ("0-1-2", "not a list"), ("+1", "not a list"), ("0,all", "not a list"),
  ])
  func otherListsAreRefused(_ list: String, _ mention: String) throws {
    let result = try GraftCommand.run(
      "splice", Fixtures.path("lm-engine/gdn-hybrid").string, "/nowhere/out", "--layer=\(list)")
    expectRefusal(result, 64, [mention])
  }

  /// The page says in words what the splice costs, and why this layer was chosen.
  @Test func thePageHasAVerdictAndTheRanking() throws {
    let folder = try TemporaryDirectory()
    let page = folder.path.appending("page.html")
    let words = [
      "splice", Fixtures.path("tutorial/qwen3.5-small").string, folder.path.appending("out").string,
      "--tokens", Fixtures.path("scripts/make_npz_fixtures.py").string, "--bytes", "--report",
      page.string, "--overwrite",
    ]
    expectSuccess(try GraftCommand.run(words + ["--layer", "auto", "--init", "zero"]))
    var html = String(decoding: try Fixtures.contents(page), as: UTF8.self)
    #expect(html.contains(">Which layer</h2>") && html.contains("<tr class=\"marked\">"))
    #expect(html.contains("is 1.00, as bad as writing nothing; to start from"))
    #expect(html.contains("use --init calibrate") && html.contains("nats in the ranking"))
    let fit = ["--layer", "2", "--init", "calibrate", "--steps", "20"]
    expectSuccess(try GraftCommand.run(words + fit))
    html = String(decoding: try Fixtures.contents(page), as: UTF8.self)
    #expect(html.contains("where 1.0 is as bad as writing nothing"))
    #expect(!html.contains("use --init calibrate") && !html.contains(">Which layer</h2>"))
  }

  /// Compares the text of the configs line by line, blocks of the layers left out.
  private func expectSameConfig(_ a: FilePath, _ b: FilePath, but layers: [Int]) throws {
    func remainder(_ path: FilePath) throws -> (text: String, blocks: [JSONValue], bytes: [UInt8]) {
      let bytes = try Fixtures.contents(path.appending("config.json"))
      var config = try JSONValue(parsing: bytes)
      let blocks = config["sequence_mixer_blocks"]?.array ?? []
      config["sequence_mixer_blocks"] = .array(
        blocks.enumerated().map { layers.contains($0) ? .null : $1 })
      return (config.text(indent: 4), blocks, bytes)
    }
    let (old, new) = (try remainder(a), try remainder(b))
    #expect(old.text == new.text)
    #expect(new.bytes == Array(try JSONValue(parsing: new.bytes).text(indent: 4).utf8))
    for layer in layers { #expect(new.blocks[layer]["sequence_mixer_type"] == "m2rnn") }
  }

  private func expectIndexFits(_ path: FilePath, _ tensors: [String: PlainCheckpointFile.Tensor])
    throws
  {
    guard FileManager.default.fileExists(atPath: path.appending(Self.index).string) else { return }
    let index = try JSONValue(parsing: Fixtures.contents(path.appending(Self.index)))
    #expect(index["weight_map"]?.object?.keys.sorted() == tensors.keys.sorted())
    let size = tensors.values.reduce(0) { $0 + $1.bytes.count }
    #expect(index["metadata"]?["total_size"]?.int == size)
  }

  @Test func untouchedShardsAreCloned() throws {
    let checkpoint = try EditableCheckpoint("options/bf16-sharded")
    let out = checkpoint.beside("out")
    let result = try splice(checkpoint.path, out, "--layer", "3", "--json")
    expectSuccess(result)
    let shards = try #require(try result.json()["shards"]?.array)
    let cloned = shards.filter { $0["cloned"] == true }.compactMap { $0["file"]?.string }
    #expect(cloned.count >= 5 && cloned.count < shards.count)
    for shard in shards where shard["cloned"] == true {
      #expect(
        ["reflink", "hard link", "copy_file_range", "copy"].contains(shard["method"]?.string ?? ""))
    }
    for name in cloned {
      #expect(try Fixtures.contents(out.appending(name)) == checkpoint.bytes(name), "\(name)")
    }
    #expect(
      EditableCheckpoint.names(in: out).filter { $0.hasPrefix("model") }
        == EditableCheckpoint.names(in: checkpoint.path).filter { $0.hasPrefix("model") })
    for (name, tensor) in try EditableCheckpoint.tensors(of: out)
    where name.hasPrefix("transformer.h.3.sequence_mixer.") {
      #expect(tensor.type == (name.contains("decay_gate") ? "F32" : "BF16"), "\(name)")
    }
  }

  @Test func keysThatNobodyKnowsStayWhereTheyAre() throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    let old = String(decoding: try checkpoint.bytes("config.json"), as: UTF8.self)
    try checkpoint.replace("{", #"{"zz": [1, 2.50, "é"], "#)
    try checkpoint.replace(#""mlp_type""#, #""mine": {"b": 1e5, "a": null}, "mlp_type""#)
    try checkpoint.editConfig { $0["last"] = .double(1, text: "1.000") }
    let text = String(decoding: try checkpoint.bytes("config.json"), as: UTF8.self)
    #expect(text != old)
    let out = checkpoint.beside("out")
    expectSuccess(try splice(checkpoint.path, out, "--layer", "1"))
    try expectSameConfig(checkpoint.path, out, but: [1])
  }

  @Test(arguments: [
    ("gdn-small", "2", ["layer     2", "0 to 1"]), ("gdn-small", "99999999999", ["0 to 1"]),
    ("gdn-small", "1,1", ["twice"]), ("gdn-small", "0,1,0", ["twice"]),
    ("gdn-small", "", ["Missing value for '--layer"]),
    ("gdn-small", "0,", ["N,M or N-M"]), ("gdn-small", "x", ["N,M or N-M"]),
    ("gdn-small", "1-0", ["N,M or N-M"]),
    ("gdn-small", "99999999999999999999", ["N,M or N-M"]), ("gdn-small", "0x1", ["N,M or N-M"]),
    ("gdn-small", "1.0", ["N,M or N-M"]),
    ("everything", "0", ["layer     0", "m2rnn", "gdn", "1"]),
    ("everything", "2", ["layer     2", "attention", "gdn"]),
    ("everything", "1,2", ["layer     2"]),
    ("rope", "0", ["attention"]), ("m2rnn-small", "1", ["m2rnn"]),
  ])
  func layersThatCannotBeReplaced(_ name: String, _ layers: String, _ mentions: [String]) throws {
    let folder = try TemporaryDirectory()
    let source = Fixtures.path("options/" + name)
    let result = try splice(source, folder.path.appending("out"), "--layer=\(layers)")
    expectRefusal(result, 64, mentions)
    #expect(EditableCheckpoint.names(in: folder.path) == [])
  }

  @Test func usageOfSplice() throws {
    let folder = try TemporaryDirectory()
    let (source, out) = (
      Fixtures.path("options/gdn-small").string, folder.path.appending("out").string
    )
    for options in [
      [], ["--layer", "0", "--init", "magic"], ["--layer", "0", "--seed", "-1"],
      ["--layer", "0", "--heads", "0"], ["--layer", "0", "--heads", "100000"],
      ["--layer", "0", "--k-head-dim", "0"], ["--layer", "0", "--v-head-dim", "4097"],
      ["--layer", "0", "--heads", "65536", "--k-head-dim", "4096", "--v-head-dim", "4096"],
      ["--layer", "0", "--heads", "9223372036854775807"], ["--layer", "0", "--init", "donor"],
      ["--layer", "0", "--donor", source], ["--layer", "0", "--init", "calibrate"],
      ["--layer", "0", "--steps", "3"], ["--layer", "0", "--init", "calibrate", "--steps", "-1"],
      ["--layer", "0", "--init", "zero", "--donor-layer", "0"],
      ["--layer", "0", "--init", "donor", "--donor", source, "--heads", "4"],
    ] {
      expectRefusal(try GraftCommand.run(["splice", source, out] + options), 64)
    }
    #expect(EditableCheckpoint.names(in: folder.path) == [])
  }

  @Test func dryRunTellsEverythingAndWritesNothing() throws {
    let folder = try TemporaryDirectory()
    let source = Fixtures.path("lm-engine/gdn-hybrid")
    let tokens = try folder.write("t.txt", "1 2 3 4".utf8)
    let result = try splice(
      source, folder.path.appending("out"), "--layer", "1", "--dry-run", "--json", "--tokens",
      tokens.string)
    expectSuccess(result)
    let plan = try result.json()
    #expect(plan["schema"] == "graft.splice/1" && plan["written"] == false)
    let layer = try #require(plan["layers"]?.array?.first)
    #expect(layer["before"]?["state_values"]?.int == 2 * 16 * 32)
    for key in ["parameters", "state_values", "flops_per_token"] {
      #expect(layer["before"]?[key]?.int ?? 0 > 0 && layer["after"]?[key]?.int ?? 0 > 0)
    }
    #expect(plan["function_gap"]?["mean_kl"]?.number ?? 0 > 0)
    #expect(EditableCheckpoint.names(in: folder.path) == ["t.txt"])
  }

  @Test func calibrationIsToldAndMeasuredOnOtherTokens() throws {
    let folder = try TemporaryDirectory()
    let source = Fixtures.path("trained/pytiny")
    let tokens = folder.path.appending("t.bin")
    let text = try Fixtures.bytes("trained/python-source.val.bin")
    _ = try folder.write("t.bin", text.prefix(1200))
    let result = try splice(
      source, folder.path.appending("out"), "--layer", "1,3", "--init", "calibrate", "--steps", "4",
      "--heads", "2", "--tokens", tokens.string, "--bytes", "--json")
    expectSuccess(result)
    let report = try result.json()
    let fits = try #require(report["layers"]?.array).map { $0["fit"] }
    for fit in fits {
      #expect((1...4).contains(fit?["steps"]?.int ?? 0) && fit?["fitting_tokens"] == 1024)
      #expect(fit?["held_out_tokens"] == 128)
      #expect(fit?["relative_error"]?.number ?? 9 < 1)
    }
    let gap = try #require(report["function_gap"])
    #expect(gap["positions"] == 128 && gap["tokens"] == "held-out tokens")
    #expect(gap["nll_after"]?.number ?? 0 > gap["nll_before"]?.number ?? 9)
    let stages = try #require(report["cumulative"]?.array)
    #expect(stages.map { $0["layer"] } == [1, 3])
    #expect(stages[1]["mean_kl"] == gap["mean_kl"] && stages[0]["mean_kl"] != gap["mean_kl"])
    let error = stages[0]["relative_error"]?.number ?? 0
    #expect(abs(error / (fits[0]?["relative_error"]?.number ?? 1) - 1) < 0.02)
  }

  @Test func tooFewTokensAreRefused() throws {
    let folder = try TemporaryDirectory()
    let tokens = try folder.write("t.txt", "1 2 3 4".utf8)
    let result = try splice(
      Fixtures.path("trained/pytiny"), folder.path.appending("out"), "--layer", "0", "--init",
      "calibrate", "--tokens", tokens.string)
    expectRefusal(result, 65, ["too few tokens", "4 tokens"])
    #expect(EditableCheckpoint.names(in: folder.path) == ["t.txt"])
  }
}
