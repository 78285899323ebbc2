import Digests
import Foundation
import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// The record beside an output: rules, hashes, and the way back.
@Suite struct ManifestTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func manifest(_ directory: FilePath) throws -> JSONValue {
    try JSONValue(parsing: Fixtures.contents(directory.appending("graft.json")))
  }

  /// Expects that a record has the hashes of the tensors that lie in the source.
  private func expectHashesOfSource(_ manifest: JSONValue, source: FilePath) throws {
    let tensors = try EditableCheckpoint.tensors(of: source)
    let recorded = manifest["sources"]?.array ?? []
    #expect(recorded.count == tensors.count && !recorded.isEmpty)
    for entry in recorded {
      let name = entry["name"]?.string ?? ""
      #expect(entry["sha256"]?.string == SHA256.text(of: tensors[name]?.bytes ?? []), "\(name)")
    }
  }

  /// The hash of every role, from either side of a conversion.
  private func roles(_ manifest: JSONValue) -> [String: String] {
    let holds = (manifest["tensors"]?.array ?? []).flatMap { $0["holds"]?.array ?? [] }
    return Dictionary(
      uniqueKeysWithValues: holds.map { ($0["role"]?.string ?? "", $0["sha256"]?.string ?? "") })
  }

  @Test func everyTensorIsAccountedFor() throws {
    let source = Fixtures.path("huggingface/qwen3_5/multimodal-mixed")
    let out = try folder.convert(
      source, "out", "--to", "mlx-qwen3_5", "--mtp", "drop", "--allow", "extra")
    let manifest = try manifest(out)
    #expect(manifest["schema"] == "graft.manifest/1" && manifest["layout"] == "mlx-qwen3_5")
    let before = try EditableCheckpoint.tensors(of: source)
    let sources = manifest["sources"]?.array ?? []
    #expect(Set(sources.compactMap { $0["name"]?.string }) == Set(before.keys))
    for entry in sources {
      let bytes = before[entry["name"]?.string ?? ""]?.bytes ?? []
      #expect(entry["sha256"]?.string == SHA256.text(of: bytes))
    }
    let after = try EditableCheckpoint.tensors(of: out)
    let tensors = manifest["tensors"]?.array ?? []
    #expect(Set(tensors.compactMap { $0["name"]?.string }) == Set(after.keys))
    for entry in tensors {
      #expect(
        entry["sha256"]?.string == SHA256.text(of: after[entry["name"]?.string ?? ""]?.bytes ?? []))
    }
    let used = tensors.flatMap { $0["from"]?.array ?? [] }.compactMap(\.string)
    let dropped = (manifest["dropped"]?.array ?? []).compactMap { $0["name"]?.string }
    #expect(Set(used + dropped) == Set(before.keys), "nothing disappears without a word")
  }

  /// Whatever the layout, the hashes of what the model is made of stay the same.
  @Test(arguments: [
    ("huggingface/qwen3_next/bf16", ["qwen3_5_moe", "mlx-qwen3_next"]),
    ("huggingface/olmo_hybrid/bf16", ["mlx-olmo_hybrid"]),
  ])
  func canonicalHashesDoNotDependOnTheLayout(fixture: String, layouts: [String]) throws {
    let plain = try folder.convert(Fixtures.path(fixture), "plain")
    let expected = roles(try manifest(plain))
    #expect(expected.count > 50)
    for layout in layouts {
      let other = try folder.convert(Fixtures.path(fixture), layout, "--to", layout)
      #expect(roles(try manifest(other)) == expected, "\(layout)")
    }
  }

  /// Through other layouts and back, config and tensors are the same bytes again.
  @Test(arguments: [
    ("huggingface/qwen3_next/bf16", ["mlx-qwen3_5_moe", "qwen3_5_moe"]),
    ("huggingface/qwen3_5/text-bf16", ["qwen3_next", "mlx-qwen3_5"]),
    ("huggingface/qwen3_5_moe/text-f32", ["qwen3_next"]),
    ("huggingface/qwen3_5_moe/text-f32", ["mlx-qwen3_5_moe"]),
    ("huggingface/qwen3_5_moe/text-f32", ["mlx-qwen3_5_moe", "mlx-qwen3_next", "qwen3_next"]),
    ("huggingface/olmo_hybrid/bf16", ["mlx-olmo_hybrid"]),
  ])
  func theWayBackGivesTheSameFiles(fixture: String, layouts: [String]) throws {
    let source = Fixtures.path(fixture)
    let home = try GraftCommand.run("inspect", source.string, "--json").json()["layout"]?.string
    var there = source
    for layout in layouts { there = try folder.convert(there, layout, "--to", layout) }
    let back = try folder.convert(there, "back", "--to", home ?? "")
    #expect(
      try Fixtures.contents(back.appending("config.json"))
        == Fixtures.contents(source.appending("config.json")))
    #expect(
      try EditableCheckpoint.tensors(of: back) == EditableCheckpoint.tensors(of: source))
  }

  /// A model in F32 whose decay rates and norms have every bit in use.
  private func finelyValued() throws -> EditableCheckpoint {
    let plain = Fixtures.path("huggingface/qwen3_5/text-bf16")
    let checkpoint = try EditableCheckpoint(
      copying: folder.convert(plain, "f32", "--dtype", "f32", "--no-manifest"))
    try checkpoint.editWeights { file in
      for index in file.tensors.indices where file.tensors[index].shape.count == 1 {
        file.tensors[index].floats = file.tensors[index].floats.enumerated().map {
          $1 * (1 + Float($0 + 1) * 3e-7)
        }
      }
    }
    return checkpoint
  }

  @Test func valuesThatCannotBeComputedBackAreKept() throws {
    let source = try finelyValued()
    let there = try folder.convert(source.path, "there", "--to", "gguf-qwen35")
    let kept = try manifest(there)["kept"]?.array ?? []
    #expect(kept.contains { $0["form"] == "zero-centred" })
    #expect(kept.contains { $0["role"]?.string?.contains("A_log") == true })
    let back = try folder.convert(there, "back", "--to", "qwen3_5")
    let restored = try manifest(back)["tensors"]?.array ?? []
    #expect(restored.contains { $0["rule"] == "restored" && $0["from"]?.array?.isEmpty == false })
    #expect(
      try EditableCheckpoint.tensors(of: back) == EditableCheckpoint.tensors(of: source.path))
  }

  /// What was changed since, or is not what the record says, is computed and not restored.
  @Test func keptValuesCountOnlyWhereTheyBelong() throws {
    let source = try finelyValued()
    let there = try EditableCheckpoint(
      copying: folder.convert(source.path, "there", "--to", "mlx-qwen3_5"))
    let norm = "model.norm.weight"
    let record = try JSONValue(parsing: there.bytes("graft.json"))
    let bytes = record["kept"]?.array?.first { $0["role"] == "final_norm" }?["bytes"]?.string
    let text = try #require(bytes)
    try there.replace(text, "0000003f" + text.dropFirst(8), in: "graft.json")
    try there.editWeights { file in
      for index in file.tensors.indices where file.tensors[index].name.hasSuffix(".q_norm.weight") {
        file.tensors[index].floats[0] = 3
      }
    }
    let back = try folder.convert(there.path, "back", "--to", "qwen3_5")
    try expectHashesOfSource(manifest(back), source: there.path)
    let tensors = try EditableCheckpoint.tensors(of: back)
    let original = try EditableCheckpoint.tensors(of: source.path)
    let name = try #require(tensors.keys.first { $0.hasSuffix(".q_norm.weight") })
    #expect(tensors[name]?.floats.first == 2)
    let pairs = zip(tensors[norm]?.floats ?? [], original[norm]?.floats ?? [])
    #expect(tensors[norm] != nil && pairs.allSatisfy { abs($0 - $1) < 1e-6 })
  }

  /// A config that was changed by hand is not overruled by the record.
  @Test func anEditedConfigCountsMoreThanTheRecord() throws {
    let source = Fixtures.path("huggingface/olmo_hybrid/bf16")
    let there = try folder.convert(source, "there", "--to", "mlx-olmo_hybrid")
    let file = there.appending("config.json")
    let text = String(decoding: try Fixtures.contents(file), as: UTF8.self)
    let edited = text.replacing("\"rms_norm_eps\": 1e-06", with: "\"rms_norm_eps\": 0.001")
    #expect(edited != text)
    try Data(edited.utf8).write(to: URL(fileURLWithPath: file.string))
    let back = try folder.convert(there, "back", "--to", "olmo_hybrid")
    let config = try JSONValue(parsing: Fixtures.contents(back.appending("config.json")))
    #expect(config["rms_norm_eps"]?.number == 0.001)
  }

  /// A record says how facts were written; what else it holds does not come into the output.
  @Test(arguments: ["mlx-qwen3_5", "gguf-qwen35"])
  func aRecordBringsNothingOfItsOwn(layout: String) throws {
    let source = try EditableCheckpoint("huggingface/qwen3_5/text-bf16")
    try source.editConfig { $0["somebody"] = "here" }
    let there = try EditableCheckpoint(
      copying: folder.convert(source.path, "there", "--to", layout))
    var record = try JSONValue(parsing: there.bytes("graft.json"))
    let text = try #require(record["origins"]?.array?.first?["config"]?.string)
    var config = try JSONValue(parsing: Array(text.utf8))
    config["auto_map"] = ["AutoConfig": "someone/else--x.Y"]
    config["model_file"] = "x.py"
    config["eos_token_id"] = 7
    config["pad_token_id"] = 9
    config["somebody"] = "else"
    config["nobody"] = ["x": 1]
    config["architectures"] = ["Other"]
    var origin = try #require(record["origins"]?.array?.first)
    origin["config"] = .string(config.text(indent: 2))
    record["origins"] = [origin]
    try there.write("graft.json", record.text(indent: 1).utf8)
    let result = try GraftCommand.run(
      "convert", there.path.string, folder.path.appending("back").string, "--to", "qwen3_5", "-v",
      "--allow", "code")
    expectSuccess(result)
    let back = try JSONValue(
      parsing: Fixtures.contents(folder.path.appending("back/config.json")))
    let isMLX = layout.hasPrefix("mlx")
    #expect(back["auto_map"] == nil && back["model_file"] == nil && back["nobody"] == nil)
    #expect(back["somebody"] == (isMLX ? "here" : nil))
    #expect(back["eos_token_id"] == (isMLX ? 2 : nil))
    #expect((back["pad_token_id"] ?? .null).isNull)
    #expect(back["architectures"] == ["Qwen3_5ForCausalLM"])
    #expect(back["rope_parameters"] == config["rope_parameters"])
    #expect(result.output.contains("dropped (only the record has it)"))
  }

  /// A record that no longer describes the model, though it has the hash of its config, is of no use.
  @Test func aRecordOfOtherFactsIsNotRestored() throws {
    let source = Fixtures.path("huggingface/qwen3_5/text-bf16")
    let there = try EditableCheckpoint(
      copying: folder.convert(source, "there", "--to", "mlx-qwen3_5"))
    try there.replace(#"\"rms_norm_eps\": 1e-06"#, #"\"rms_norm_eps\": 0.5"#, in: "graft.json")
    let back = try folder.convert(there.path, "back", "--to", "qwen3_5")
    let config = try JSONValue(parsing: Fixtures.contents(back.appending("config.json")))
    #expect(config["rms_norm_eps"]?.number == 1e-6)
  }

  @Test func aSpliceRecordsWhatIsNew() throws {
    let out = folder.path.appending("spliced")
    let source = Fixtures.path("trained/pytiny").string
    expectSuccess(try GraftCommand.run("splice", source, out.string, "--layer", "0"))
    let tensors = try manifest(out)["tensors"]?.array ?? []
    let new = tensors.filter { $0["rule"] == "new" }
    #expect(!new.isEmpty && new.allSatisfy { $0["from"]?.array?.isEmpty == true })
    #expect(
      tensors.filter { $0["rule"] == "copied" }.allSatisfy { $0["holds"]?.array?.isEmpty == false })
  }

  /// What stands in the place of a tensor is not taken for the tensor.
  @Test func aDonorIsNotTheSource() throws {
    let out = folder.path.appending("donated")
    let source = Fixtures.path("lm-engine/gdn-hybrid")
    expectSuccess(
      try GraftCommand.run(
        "splice", source.string, out.string, "--layer", "0", "--init", "donor", "--donor",
        Fixtures.path("lm-engine/m2rnn-1l").string))
    try expectHashesOfSource(manifest(out), source: source)
  }

  @Test func theRecordMayBeLeftOut() throws {
    let out = try folder.convert(Fixtures.path("options/tied"), "out", "--no-manifest")
    #expect(!EditableCheckpoint.names(in: out).contains("graft.json"))
  }
}
