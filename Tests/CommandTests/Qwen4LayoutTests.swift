import Containers
import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Qwen3.8-Flash-Next: what is stored where, in which numbers, and what other tools cannot hold of it.
@Suite struct Qwen4LayoutTests {
  private static let released = "huggingface/qwen4_exp/released-f32"
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func place(_ name: String) -> String { folder.path.appending(name).string }

  private func convert(_ source: String, _ name: String, _ options: String...) throws -> FilePath {
    expectSuccess(try GraftCommand.run(["convert", source, place(name)] + options))
    return folder.path.appending(name)
  }

  /// To llama.cpp, whose numbers of hashes stand in the metadata, or to mlx-vlm, and back: the same bytes.
  @Test(arguments: ["gguf-qwen4exp", "mlx-qwen4_exp"])
  func thereAndBackByteForByte(_ layout: String) throws {
    let source = Fixtures.path(Self.released)
    let there = try convert(source.string, "there", "--to", layout)
    let back = try convert(
      there.string, "back", "--to", "qwen4_exp", "--form", "text, experts fused")
    for name in ["config.json", "model.safetensors"] {
      #expect(
        try Fixtures.contents(back.appending(name)) == Fixtures.contents(source.appending(name)))
    }
    let reference = source.appending("reference.safetensors").string
    expectSuccess(try GraftCommand.run("verify", there.string, "--reference", reference))
  }

  /// A file of llama.cpp alone gives a config whose seed and sizes give its hashes.
  @Test func whatHashesIsFoundAgain() throws {
    let there = try convert(
      Fixtures.path(Self.released).string, "there", "--to", "gguf-qwen4exp", "--no-manifest")
    let back = try convert(there.string, "back", "--to", "qwen4_exp")
    let config = try JSONValue(parsing: Fixtures.contents(back.appending("config.json")))
    let text = config["text_config"] ?? config
    #expect(text["seed"] == 1234 && text["ngram_vocab_size_base"] == 17)
    #expect(text["make_ngram_vocab_size_divisible_by"]?.int.map { 96 % $0 } == 0)
    expectSuccess(try GraftCommand.run("verify", back.string, there.string))
  }

  /// What transformers saves again becomes what was released, in other types too.
  @Test func savedAgainBecomesReleased() throws {
    let source = Fixtures.path("huggingface/qwen4_exp/resave-bf16")
    let out = try convert(
      source.string, "out", "--form", "text, experts fused", "--dtype", "f32")
    let tensors = try EditableCheckpoint.tensors(of: out)
    #expect(tensors["model.layers.0.mlp.experts.gate_up_proj"]?.type == "F32")
    #expect(tensors["model.layers.3.ple.ple_embedding.layer_multipliers"]?.type == "I64")
    let reference = source.appending("reference.safetensors").string
    expectSuccess(try GraftCommand.run("verify", out.string, "--reference", reference))
  }

  @Test func llamaCppRefusesWhatItHasNoPlaceFor() throws {
    let result = try GraftCommand.run(
      "convert", Fixtures.path("huggingface/qwen4_exp/resave-bf16").string, place("out"), "--to",
      "gguf-qwen4exp")
    expectRefusal(
      result, 69,
      [
        "llama.cpp has one table of n-grams", "one head dim", "as wide as the model",
        "gdn.gate_activation",
      ])
  }

  /// Another seed than the stored numbers have would mean other rows in some libraries.
  @Test func hashesThatDoNotFollowAreRefused() throws {
    let checkpoint = try EditableCheckpoint(Self.released)
    try checkpoint.editConfig { $0["seed"] = 1235 }
    for arguments in [
      ["verify", checkpoint.path.string], ["convert", checkpoint.beside("out").string],
    ] {
      let result = try checkpoint.graft(arguments[0], arguments[1])
      expectRefusal(result, 65, ["do not follow from the config", "layer_multipliers"])
    }
    let audit = try checkpoint.graft("inspect", "--audit")
    #expect(audit.exitCode == 1 && audit.output.contains("layer_multipliers"), "\(audit)")
  }

  /// Keys of the indexer are shared by all of its heads: transformers has no other way.
  @Test func anIndexerHasOneKeyHead() throws {
    let checkpoint = try EditableCheckpoint(copying: Fixtures.path(Self.released))
    try checkpoint.editConfig { $0["indexer_kv_heads"] = 2 }
    expectRefusal(try checkpoint.graft("inspect"), 69, ["indexer_kv_heads", "2"])
  }

  /// A file whose ratios were lost computes without choosing, and the audit says so.
  @Test func anIndexerThatIsNotUsedIsTold() throws {
    let there = try convert(Fixtures.path(Self.released).string, "there", "--to", "gguf-qwen4exp")
    let checkpoint = try EditableCheckpoint(copying: there)
    let key = Array("qwen4exp.attention.compress_ratios".utf8)
    var bytes = try checkpoint.bytes("model.gguf")
    let start = try #require(bytes.firstRange(of: key)).upperBound
    // A type, the type of the elements and their number, then four of 32 bits, of which one is not zero.
    bytes.replaceSubrange(start + 16..<start + 32, with: Array(repeating: 0, count: 16))
    try checkpoint.write("model.gguf", bytes)
    let audit = try checkpoint.graft("inspect", "--audit")
    #expect(audit.exitCode == 1 && audit.output.contains("blk.2.indexer"), "\(audit)")
    let result = try GraftCommand.run("verify", checkpoint.path.string, there.string)
    #expect(result.exitCode == 1 && result.output.contains("first divergent layer: 2"), "\(result)")
    // With the size, or beside a config of the model, the same file again.
    try checkpoint.remove("graft.json")
    for verb in ["convert", "repair"] {
      let mended = checkpoint.beside(verb)
      expectSuccess(
        try checkpoint.graft(verb, mended.string, "--assume", "index-block=4"))
      #expect(try sameModel(mended, there))
    }
    expectRefusal(try checkpoint.graft("repair", checkpoint.beside("out").string), 69, ["blk.2"])
    let config = try Fixtures.contents(Fixtures.path(Self.released).appending("config.json"))
    try checkpoint.write("config.json", config)
    let found = checkpoint.beside("found")
    expectSuccess(try checkpoint.graft("repair", found.string))
    #expect(try sameModel(found, there))
  }

  private func sameModel(_ one: FilePath, _ other: FilePath) throws -> Bool {
    try Fixtures.contents(one.appending("model.gguf"))
      == Fixtures.contents(other.appending("model.gguf"))
  }

  /// mlx-vlm leaves tensors of multi-token prediction to its drafter, which finds them under these names;
  /// llama.cpp has none for them.
  @Test func predictionIsKeptWhereItHasNames() throws {
    let checkpoint = try EditableCheckpoint(Self.released)
    try checkpoint.editWeights { file in
      for name in ["fc_embedding", "fc_hidden"] {
        let values = (0..<256).map { Float($0 % 7) - 3 }
        file.tensors.append(.init("mtp.\(name).weight", [16, 16], values))
      }
      for name in ["pre_fc_norm_hidden", "layers.0.attn_hyper_connection.hc_norm"] {
        let values = (0..<32).map { Float($0 % 5 - 2) / 8 }
        file.tensors.append(.init("mtp.\(name).weight", [32], values))
      }
    }
    try checkpoint.editConfig { $0["mtp_num_hidden_layers"] = 1 }
    let (there, back) = (checkpoint.beside("there"), checkpoint.beside("back"))
    expectSuccess(try checkpoint.graft("convert", there.string, "--to", "mlx-qwen4_exp"))
    #expect(try EditableCheckpoint.tensors(of: there)["mtp.fc_hidden.weight"] != nil)
    expectSuccess(
      try GraftCommand.run(
        "convert", there.string, back.string, "--to", "qwen4_exp", "--form", "text, experts fused"))
    #expect(
      try EditableCheckpoint.tensors(of: back) == EditableCheckpoint.tensors(of: checkpoint.path))
    expectRefusal(
      try checkpoint.graft("convert", checkpoint.beside("out").string, "--to", "gguf-qwen4exp"), 69,
      ["mtp.fc_embedding.weight", "--mtp drop"])
  }

  /// Norms to which one more was added than the form has, as most published conversions have them.
  @Test(arguments: ["qwen4_exp", "mlx-qwen4_exp", "gguf-qwen4exp"])
  func doubledOffsetsAreTakenOff(_ layout: String) throws {
    let source = Fixtures.path(Self.released)
    let sound = try convert(source.string, "sound", "--to", layout, "--no-manifest")
    let checkpoint = try EditableCheckpoint(copying: sound)
    let isGGUF = layout.hasPrefix("gguf")
    func isMeant(_ name: String) -> Bool { name.contains("norm") && !name.contains("linear_attn") }
    if isGGUF {
      let bytes = try doubled(checkpoint.bytes("model.gguf"), of: checkpoint.path)
      try checkpoint.write("model.gguf", bytes)
    } else {
      try checkpoint.editWeights { file in
        for (index, tensor) in file.tensors.enumerated() where isMeant(tensor.name) {
          file.tensors[index].floats = tensor.floats.map { $0 + 1 }
        }
      }
    }
    let audit = try checkpoint.graft("inspect", "--audit")
    #expect(audit.exitCode == 1 && audit.output.contains("had been added"), "\(audit)")
    let out = checkpoint.beside("out")
    expectSuccess(
      try checkpoint.graft("repair", out.string, "--assume", "norm-offset=\(isGGUF ? 2 : 1)"))
    expectSuccess(try GraftCommand.run("verify", out.string, sound.string))
    #expect(try GraftCommand.run("verify", checkpoint.path.string, sound.string).exitCode == 1)
  }

  /// A GGUF with one added to all norms that lie around it.
  private func doubled(_ bytes: [UInt8], of path: FilePath) throws -> [UInt8] {
    var bytes = bytes
    let stored = try StoredCheckpoint.open(path)
    for tensor in stored.tensors
    where tensor.name.contains("norm") && !tensor.name.contains("ssm_norm") {
      for place in stride(
        from: tensor.region.range.lowerBound, to: tensor.region.range.upperBound, by: 4)
      {
        let value = bytes.withUnsafeBytes {
          $0.loadUnaligned(fromByteOffset: place, as: Float.self)
        }
        withUnsafeBytes(of: value + 1) { bytes.replaceSubrange(place..<place + 4, with: $0) }
      }
    }
    return bytes
  }
}
