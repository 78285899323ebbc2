import Digests
import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Adapters merged into bases, against what PEFT makes of them.
@Suite struct AdapterTests {
  /// An adapter of the fixtures and its base.
  struct Case: Sendable, CustomStringConvertible {
    let name, base: String
    var description: String { name }
    var path: String { Fixtures.path("adapters/\(name)").string }
    var source: FilePath { Fixtures.path("huggingface/\(base)") }

    /// The hashes of the tensors that PEFT changed, by name.
    func hashes() throws -> [String: String] {
      let merged = try JSONValue(parsing: Fixtures.bytes("adapters/\(name)/merged.json"))
      return Dictionary(
        uniqueKeysWithValues: try #require(merged.object).entries.map {
          ($0.key, $0.value.string ?? "")
        })
    }
  }

  static let linear = Case(name: "linear", base: "qwen3_5/text-bf16")
  static let grouped = Case(name: "grouped", base: "qwen3_next/bf16")
  static let cases = [
    linear, grouped,
    Case(name: "vocabulary", base: "qwen3_5/text-bf16"),
    Case(name: "tokens", base: "qwen3_5/text-bf16"),
    Case(name: "norms", base: "qwen3_5/text-bf16"),
    Case(name: "experts", base: "qwen3_5_moe/multimodal-fused-mixed"),
    Case(name: "columns", base: "qwen3_5/text-bf16"),
    Case(name: "memory", base: "kimi_linear/bf16"),
    Case(name: "gates", base: "bailing_hybrid/resave-f32"),
    Case(name: "split", base: "lara_mini/bf16"),
  ]

  private func expectMerged(_ output: FilePath, _ one: Case) throws {
    let tensors = try EditableCheckpoint.tensors(of: output)
    let before = try EditableCheckpoint.tensors(of: one.source)
    // What transformers saves has one name for the outputs of both mixers of Ling 3.0, what was released two.
    func found(_ name: String) -> PlainCheckpointFile.Tensor? {
      tensors[name] ?? tensors[name.replacing(".attention.dense.", with: ".attention.o_proj.")]
    }
    let expected = try one.hashes()
    for (name, hash) in expected {
      let bytes = try #require(found(name)).bytes
      #expect(SHA256.text(of: bytes) == hash, "\(name)")
    }
    for (name, tensor) in before where expected[name] == nil {
      #expect(found(name)?.bytes == tensor.bytes, "\(name)")
    }
  }

  @Test(arguments: cases)
  func sumsAreThoseOfPEFT(_ one: Case) throws {
    let folder = try TemporaryDirectory()
    try expectMerged(folder.convert(one.source, "out", "--adapter", one.path), one)
  }

  /// An adapter for names of Hugging Face, and bases of other names and orders of rows.
  @Test(arguments: [
    (linear, "gguf-qwen35", "qwen3_5"), (linear, "mlx-qwen3_5", "qwen3_5"),
    (cases[2], "gguf-qwen35", "qwen3_5"), (cases[4], "gguf-qwen35", "qwen3_5"),
    (grouped, "gguf-qwen3next", "qwen3_next"),
  ])
  func changesGoTheWayOfTheBase(_ one: Case, _ layout: String, _ own: String) throws {
    let folder = try TemporaryDirectory()
    let base = try folder.convert(one.source, "base", "--to", layout)
    let out = try folder.convert(base, "out", "--adapter", one.path)
    try expectMerged(folder.convert(out, "back", "--to", own), one)
    let direct = try folder.convert(one.source, "direct", "--to", layout, "--adapter", one.path)
    expectSuccess(try GraftCommand.run("diff", out.string, direct.string))
    let reference = Fixtures.path("adapters/\(one.name)/reference.safetensors")
    guard EditableCheckpoint.names(in: FilePath(one.path)).contains("reference.safetensors") else {
      return
    }
    expectSuccess(
      try GraftCommand.run("verify", out.string, "--reference", reference.string))
  }

  @Test func theRecordNamesFilesAndScales() throws {
    let folder = try TemporaryDirectory()
    let out = try folder.convert(
      Self.linear.source, "out", "--adapter", Self.linear.path + "=0.5", "--adapter",
      Fixtures.path("adapters/tokens").string)
    let record = try JSONValue(parsing: Fixtures.contents(out.appending("graft.json")))
    let adapters = try #require(record["adapters"]?.array)
    #expect(adapters.map { $0["scale"]?.number } == [0.5, 1])
    #expect(adapters[0]["files"]?.array?.count == 2)
    #expect(adapters[0]["products"]?.int == 11 && adapters[1]["replaced"]?.int == 1)
    let rules = record["tensors"]?.array?.filter { $0["rule"]?.string == "merged" }.count
    #expect(rules == 17)
    // The record still says what the base was.
    let plain = try folder.convert(Self.linear.source, "plain")
    let other = try JSONValue(parsing: Fixtures.contents(plain.appending("graft.json")))
    #expect(record["sources"] == other["sources"])
  }

  @Test func aScaleMultipliesTheChange() throws {
    let folder = try TemporaryDirectory()
    let none = try folder.convert(Self.linear.source, "none", "--adapter", Self.linear.path + "=0")
    try expectSameTensors(none, Self.linear.source)
    let half = try folder.convert(
      Self.linear.source, "half", "--adapter", Self.linear.path + "=0.5")
    let whole = try folder.convert(Self.linear.source, "whole", "--adapter", Self.linear.path)
    let name = "model.layers.0.mlp.down_proj.weight"
    func change(_ path: FilePath) throws -> Float {
      let tensors = try (EditableCheckpoint.tensors(of: path), EditableCheckpoint.tensors(of: none))
      let pairs = zip(try #require(tensors.0[name]).floats, try #require(tensors.1[name]).floats)
      return pairs.reduce(0) { $0 + abs($1.0 - $1.1) }
    }
    let ratio = try change(half) / change(whole)
    #expect(abs(ratio - 0.5) < 0.01)
  }

  @Test func packedBasesAreDequantisedOnRequest() throws {
    let folder = try TemporaryDirectory()
    let base = try folder.convert(
      Self.linear.source, "base", "--to", "gguf-qwen35", "--quantise", "q8_0")
    let refused = try GraftCommand.run(
      "convert", base.string, folder.path.appending("out").string, "--adapter", Self.linear.path)
    expectRefusal(refused, 69, ["packed weights", "--dtype bf16 --allow lossy"])
    let merged = try folder.convert(
      base, "merged", "--adapter", Self.linear.path, "--dtype", "f32")
    let plain = try folder.convert(base, "plain", "--dtype", "f32")
    let later = try folder.convert(plain, "later", "--adapter", Self.linear.path)
    expectSuccess(try GraftCommand.run("diff", merged.string, later.string))
  }

  @Test func anAdapterBesideItsBaseIsNamedUnlessItIsMerged() throws {
    let copy = try EditableCheckpoint("huggingface/" + Self.linear.base)
    for name in ["adapter_config.json", "adapter_model.safetensors"] {
      try copy.write(name, Fixtures.bytes("adapters/linear/\(name)"))
    }
    #expect(try copy.graft("inspect").output.contains("convert --adapter merges it"))
    let plain = try copy.graft("convert", copy.beside("plain").string)
    #expect(plain.output.contains("adapter, not merged"))
    let merged = try copy.graft("convert", copy.beside("out").string, "--adapter", copy.path.string)
    expectSuccess(merged)
    #expect(!merged.output.contains("not merged"))
    try expectMerged(copy.beside("out"), Self.linear)
  }

  @Test func aVocabularyGrowsWithItsEmbeddingAndHead() throws {
    let copy = try EditableCheckpoint("huggingface/" + Self.linear.base)
    let names = ["model.embed_tokens.weight", "lm_head.weight"]
    let tensors = names.map { name in
      PlainCheckpointFile.Tensor(
        "base_model.model.\(name)", [323, 64], (0..<323 * 64).map { Float($0 % 7) / 8 })
    }
    let folder = try TemporaryDirectory()
    try folder.write("adapter_model.safetensors", PlainCheckpointFile(tensors).bytes)
    try folder.write("adapter_config.json", #"{"peft_type": "LORA"}"#.utf8)
    let out = copy.beside("out")
    expectSuccess(try copy.graft("convert", out.string, "--adapter", folder.path.string))
    let found = try EditableCheckpoint.tensors(of: out)
    for (name, tensor) in zip(names, tensors) {
      #expect(found[name]?.type == "BF16" && found[name]?.floats == tensor.floats)
    }
    let config = try JSONValue(parsing: Fixtures.contents(out.appending("config.json")))
    #expect(config["vocab_size"]?.int == 323)
  }

  /// Patterns are about the tensors that the settings name, not about the module that has them.
  @Test func patternsOfTensorsAreThose() throws {
    let one = try #require(Self.cases.first { $0.name == "experts" })
    let folder = try TemporaryDirectory()
    let settings = String(
      decoding: try Fixtures.bytes("adapters/experts/adapter_config.json"), as: UTF8.self)
    let patterns = #""alpha_pattern": {"experts\\.(gate_up|down)_proj": 5, ".*proj": 5}"#
    try folder.write(
      "adapter_config.json",
      settings.replacing(#""alpha_pattern": {}"#, with: patterns)
        .replacing(#""lora_alpha": 5"#, with: #""lora_alpha": 99"#).utf8)
    try folder.write(
      "adapter_model.safetensors", Fixtures.bytes("adapters/experts/adapter_model.safetensors"))
    let out = try folder.convert(one.source, "out", "--adapter", folder.path.string)
    try expectMerged(out, one)
  }

  /// What PEFT saves of a tied model whose vocabulary was resized: embedding and head, which are the same.
  @Test func aTiedHeadFollowsItsEmbedding() throws {
    let base = try TemporaryDirectory()
    let folder = try TemporaryDirectory()
    func adapter(head: Float) throws -> String {
      let values = (0..<323 * 32).map { Float($0 % 5) / 4 }
      let names = ["embed_tokens.token_adapter.base_layer.weight", "lm_head.weight"]
      try folder.write(
        "adapter_model.safetensors",
        PlainCheckpointFile(
          zip(names, [0, head]).map { name, more in
            .init(
              "base_model.model.\(name == "lm_head.weight" ? "" : "model.")\(name)", [323, 32],
              values.map { $0 + more })
          }
        ).bytes)
      try folder.write("adapter_config.json", #"{"peft_type": "LORA"}"#.utf8)
      return folder.path.string
    }
    let tied = Fixtures.path("huggingface/lara_mini/bf16")
    let out = try base.convert(tied, "out", "--adapter", adapter(head: 0))
    let tensors = try EditableCheckpoint.tensors(of: out)
    #expect(tensors["model.embed_tokens.weight"]?.floats.count == 323 * 32)
    #expect(tensors["lm_head.weight"] == nil)
    let refused = try GraftCommand.run(
      "convert", tied.string, base.path.appending("other").string, "--adapter", adapter(head: 1))
    expectRefusal(refused, 69, ["a head that the base reads from its embedding"])
  }

  /// A checkpoint that a state in memory was written to, as transformers names it.
  @Test func namesInMemoryAreThoseOfAForm() throws {
    let folder = try TemporaryDirectory()
    let copy = try EditableCheckpoint("huggingface/lara_mini/bf16")
    try copy.editWeights { file in
      for (place, tensor) in file.tensors.enumerated().reversed() {
        if tensor.name.hasSuffix("out_norm.weight") {
          file.tensors[place] = .init(
            tensor.name.replacing("out_norm", with: "norm"), tensor.type, tensor.shape, tensor.bytes
          )
        }
        guard tensor.name.hasSuffix("in_proj.weight") else { continue }
        let row = tensor.bytes.count / tensor.shape[0]
        var start = 0
        file.tensors.remove(at: place)
        for (part, rows) in [("qkv", 72), ("z", 48), ("b", 6), ("a", 6)] {
          file.tensors.append(
            .init(
              tensor.name.replacing("in_proj", with: "in_proj_\(part)"), tensor.type,
              [rows, tensor.shape[1]], Array(tensor.bytes[start * row..<(start + rows) * row])))
          start += rows
        }
      }
    }
    #expect(try copy.graft("inspect").output.contains("form: as in memory"))
    let out = try folder.convert(copy.path, "out", "--form", "released")
    try expectSameTensors(out, Fixtures.path("huggingface/lara_mini/bf16"))
  }

  /// What `--explain` says of an adapter: modules, ranks, scales, and what is not copied any more.
  @Test func anExplanationNamesWhatChanges() throws {
    let result = try GraftCommand.run(
      "convert", "--explain", Self.linear.source.string, "--to", "mlx", "--adapter",
      Self.linear.path)
    expectSuccess(result)
    let lines = result.output.split(separator: "\n").map { $0.split(separator: " ") }
    #expect(lines.contains(["product", "4", "1.75", "model.layers.0.linear_attn.in_proj_qkv"]))
    #expect(lines.contains(["product", "2", "5.0", "model.layers.2.self_attn.q_proj"]))
    #expect(lines.contains(["model.layers.2.self_attn.q_proj.weight"]))
    let json = try GraftCommand.run(
      "convert", "--explain", Self.linear.source.string, "--to", "mlx", "--json", "--adapter",
      Self.linear.path
    ).json()
    let changes = json["adapters"]?.array?.first?["changes"]?.array ?? []
    #expect(changes.count == 11)
    #expect(changes.allSatisfy { $0["tensors"]?.array?.count == 1 })
  }

  /// Names of a class without a head, and what programs put around modules, are those of the model.
  @Test(arguments: [
    ("base_model.model.model.", "base_model.model."), (".layers.", "._orig_mod.layers."),
  ])
  func namesOfOtherClassesAreUnderstood(_ old: String, _ new: String) throws {
    let folder = try TemporaryDirectory()
    for name in ["adapter_config.json", "adapter_model.safetensors"] {
      try folder.write(name, Fixtures.bytes("adapters/gates/\(name)"))
    }
    var file = try PlainCheckpointFile(folder.path.appending("adapter_model.safetensors"))
    file.tensors = file.tensors.map {
      .init($0.name.replacing(old, with: new), $0.type, $0.shape, $0.bytes)
    }
    try folder.write("adapter_model.safetensors", file.bytes)
    let gates = try #require(Self.cases.first { $0.name == "gates" })
    try expectMerged(folder.convert(gates.source, "out", "--adapter", folder.path.string), gates)
  }

  @Test func aDirectoryOfAnAdapterIsCalledOneWithItsBase() throws {
    let result = try GraftCommand.run("inspect", Self.linear.path)
    expectRefusal(
      result, 66,
      ["an adapter (LORA) for qwen3_5/text-bf16", "graft convert BASE OUT --adapter THIS"])
  }
}
