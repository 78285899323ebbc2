import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Directories of Megatron-Core: their forms, what describes the model, and whatever lies beside weights.
@Suite struct MegatronTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private static let dense = "huggingface/qwen3_5/multimodal-mixed"
  private static let experts = "huggingface/qwen3_next/bf16"

  private var source: FilePath { folder.path.appending("run") }

  private func expectTensors(
    _ out: FilePath, of model: FilePath, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let found = try EditableCheckpoint.tensors(of: out)
    var expected: [String: PlainCheckpointFile.Tensor] = [:]
    for (name, tensor) in try EditableCheckpoint.tensors(of: model) where !name.contains("visual") {
      let text = name.replacing("model.language_model.", with: "model.")
      expected[text] = tensor
      expected[text]?.name = text
    }
    #expect(found.keys.sorted() == expected.keys.sorted(), sourceLocation: sourceLocation)
    for (name, tensor) in expected where !name.hasSuffix("linear_attn.norm.weight") {
      #expect(found[name] == tensor, "\(name)", sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: [
    (experts, MegatronLiteral.Form(.gpt, tensorParallel: 2, padding: 64), "qwen3_next"),
    (experts, MegatronLiteral.Form(.hybrid), "qwen3_next"),
    (experts, MegatronLiteral.Form(.slime, padding: 1), "qwen3_next"),
    (dense, MegatronLiteral.Form(.gpt, tensorParallel: 2), "qwen3_5"),
    (dense, MegatronLiteral.Form(.hybrid), "qwen3_5"),
    (dense, MegatronLiteral.Form(.slime), "qwen3_5"),
    ("huggingface/qwen3_5_moe/text-f32", MegatronLiteral.Form(), "qwen3_5_moe"),
  ]) func everyFormGivesTheReleasedTensors(
    fixture: String, form: MegatronLiteral.Form, layout: String
  ) throws {
    let model = Fixtures.path(fixture)
    try MegatronLiteral.directory(of: model, form).write(to: source)
    let isApart = layout == "qwen3_5_moe"
    let out =
      isApart
      ? try folder.convert(source, "out", "--to", layout, "--form", "text, experts apart")
      : try folder.convert(source, "out", "--to", layout)
    try expectTensors(out, of: model)
    let config = try JSONValue(parsing: Fixtures.contents(out.appending("config.json")))
    #expect(config["vocab_size"]?.int == 320)
  }

  /// What Megatron itself saved, in the pieces of two ranks, with the plans of the save.
  @Test func whatMegatronSavedIsRead() throws {
    let fixture = Fixtures.path("megatron/tiny")
    let out = try folder.convert(fixture, "out", "--to", "qwen3_5_moe")
    let expected = Fixtures.path("megatron/tiny.expected")
    try expectTensors(out, of: expected)
    let result = try GraftCommand.run(["diff", fixture.string, expected.string])
    #expect(result.exitCode == 0, "\(result)")
  }

  @Test func whatIsNoWeightIsNamedInOneLine() throws {
    try MegatronLiteral.directory(of: Fixtures.path(Self.experts), .init(padding: 64))
      .write(to: source)
    let found = try GraftCommand.run(["inspect", source.string])
    expectSuccess(found)
    for text in [
      "_extra_state", "rng_state", "optimizer.state", "padding of the vocabulary (2 values)",
    ] {
      #expect(found.output.contains(text), "\(found)")
    }
  }

  // MARK: What describes the model

  /// Releases from 0.20 on keep what ranks share in the checkpoint itself.
  @Test func optionsInsideTheCheckpoint() throws {
    var directory = try MegatronLiteral.directory(of: Fixtures.path(Self.experts))
    directory.isCommonFile = false
    try directory.write(to: source)
    expectSuccess(try GraftCommand.run(["inspect", source.string]))
  }

  @Test func aConfigOfTheHubBesideIsEnough() throws {
    let model = Fixtures.path(Self.experts)
    var directory = try MegatronLiteral.directory(of: model)
    directory.common = nil
    try directory.write(to: source)
    expectRefusal(
      try GraftCommand.run(["inspect", source.string]), 66,
      ["there is no config.json beside the weights"])
    let config = try Fixtures.contents(model.appending("config.json"))
    try folder.write("run/config.json", config)
    try expectTensors(try folder.convert(source, "out", "--to", "qwen3_next"), of: model)
  }

  @Test func contradictionsAreNamed() throws {
    let model = Fixtures.path(Self.experts)
    try MegatronLiteral.directory(of: model).write(to: source)
    var config = try JSONValue(parsing: Fixtures.contents(model.appending("config.json")))
    config["rms_norm_eps"] = 0.5
    try folder.write("run/config.json", config.text(indent: 2).utf8)
    expectRefusal(
      try GraftCommand.run(["inspect", source.string]), 65,
      ["two descriptions of the model contradict each other", "norm.eps 0.5", "common.pt"])
  }

  @Test func optionsOfBridgeAreRead() throws {
    let model = Fixtures.path(Self.experts)
    var directory = try MegatronLiteral.directory(of: model)
    directory.common = nil
    try directory.write(to: source)
    let config = try JSONValue(parsing: Fixtures.contents(model.appending("config.json")))
    func int(_ key: String) -> Int { config[key]?.int ?? 0 }
    let text = """
      _target_: megatron.bridge.training.config.ConfigContainer
      checkpoint: {odd: [1, {deeply: nested}]}
      model:
        _target_: megatron.bridge.models.gpt_provider.GPTModelProvider
        activation_func: &id001
          _call_: false
          _target_: torch.nn.functional.silu
        again: *id001
        add_bias_linear: false
        add_qkv_bias: false
        attention_output_gate: true
        experimental_attention_variant: gated_delta_net
        ffn_hidden_size: null
        gated_linear_unit: true
        hidden_size: \(int("hidden_size"))
        kv_channels: \(int("head_dim"))
        layernorm_epsilon: \(config["rms_norm_eps"]?.number ?? 1e-6)
        layernorm_zero_centered_gamma: true
        linear_attention_freq: \(config["full_attention_interval"]?.int ?? 4)
        linear_conv_kernel_dim: 4
        linear_key_head_dim: \(int("linear_key_head_dim"))
        linear_num_key_heads: \(int("linear_num_key_heads"))
        linear_num_value_heads: \(int("linear_num_value_heads"))
        linear_value_head_dim: \(int("linear_value_head_dim"))
        moe_ffn_hidden_size: \(int("moe_intermediate_size"))
        moe_router_topk: \(int("num_experts_per_tok"))
        moe_shared_expert_gate: true
        moe_shared_expert_intermediate_size: \(int("shared_expert_intermediate_size"))
        mtp_num_layers: null
        normalization: RMSNorm
        note: 'a text that goes on
          in the next line'
        num_attention_heads: \(int("num_attention_heads"))
        num_layers: 5
        num_moe_experts: 6
        num_query_groups: \(int("num_key_value_heads"))
        position_embedding_type: rope
        qk_layernorm: true
        rotary_base: \(config["rope_theta"]?.number ?? 10_000.0)
        rotary_percent: \(config["partial_rotary_factor"]?.number ?? 0.25)
        share_embeddings_and_output_weights: false
        vocab_size: 320
      train: null
      """
    try folder.write("run/run_config.yaml", text.utf8)
    let interval = config["layer_types"]?.array == nil
    try #require(interval)
    try expectTensors(try folder.convert(source, "out", "--to", "qwen3_next"), of: model)
  }

  @Test(arguments: [
    ("gated_delta_net", "gdn2", "experimental_attention_variant"),
    ("rope", "yarn", "position_embedding_type"), ("RMSNorm", "LayerNorm", "normalization"),
  ]) func optionsOfOtherModelsAreRefused(old: String, new: String, key: String) throws {
    var directory = try MegatronLiteral.directory(of: Fixtures.path(Self.experts))
    directory.common = directory.common.map { $0.replacing(old, with: new) }
    try directory.write(to: source)
    expectRefusal(try GraftCommand.run(["inspect", source.string]), 69, [key, new])
  }

  // MARK: Halves, towers, other layers

  @Test func halvesOfSlimeMustBeSaid() throws {
    let copy = try EditableCheckpoint.predicting(Self.experts)
    let model = copy.path
    try MegatronLiteral.directory(of: model, .init(.slime)).write(to: source)
    let refused = try convert(source, folder.path.appending("no"), "--to", "qwen3_next")
    expectRefusal(refused, 69, ["mtp-halves"])
    expectSuccess(try GraftCommand.run(["inspect", source.string]))
    let kept = try folder.convert(
      source, "kept", "--to", "qwen3_next", "--assume", "mtp-halves=kept")
    try expectTensors(kept, of: model)
    let turned = try folder.convert(
      source, "turned", "--to", "qwen3_next", "--assume", "mtp-halves=exchanged")
    let (a, b) = (
      try #require(try EditableCheckpoint.tensors(of: kept)["mtp.fc.weight"]),
      try #require(try EditableCheckpoint.tensors(of: turned)["mtp.fc.weight"])
    )
    let half = a.shape[1]
    for row in 0..<a.shape[0] {
      let (left, right) = (
        a.bytes[row * 2 * half..<(row * 2 + 1) * half],
        a.bytes[(row * 2 + 1) * half..<(row + 1) * 2 * half]
      )
      #expect(Array(b.bytes[row * 2 * half..<(row + 1) * 2 * half]) == Array(right + left))
    }
  }

  /// slime's Qwen3-Next has the projections of the hub, and which half is the first must be said to write it.
  @Test func whatSlimeReadsOfQwen3Next() throws {
    let copy = try EditableCheckpoint.predicting(Self.experts)
    let model = copy.path
    let refused = try convert(model, folder.path.appending("no"), "--to", "mcore-slime")
    expectRefusal(refused, 69, ["mtp-halves"])
    for halves in ["kept", "exchanged"] {
      let there = try folder.convert(
        model, halves, "--to", "mcore-slime", "--assume", "mtp-halves=\(halves)")
      let form = try GraftCommand.run("inspect", there.string, "--json").json()["form"]?["form"]
      #expect(form == "projections grouped per key head")
      let back = try folder.convert(
        there, "back-\(halves)", "--to", "qwen3_next", "--assume", "mtp-halves=\(halves)")
      try expectSameTensors(back, model)
    }
    let files = ["kept/iter_0000000/__0_0.distcp", "exchanged/iter_0000000/__0_0.distcp"]
    #expect(Set(try files.map { try Fixtures.contents(folder.path.appending($0)) }).count == 2)
  }

  @Test func towersOfVisionModelsAreLeftOutWhenAsked() throws {
    let model = Fixtures.path(Self.experts)
    var directory = try MegatronLiteral.directory(of: model, .init(prefix: "language_model."))
    directory.tensors.append(
      .init(.init("vision_model.patch.weight", "F32", [2], [UInt8](repeating: 0, count: 8))))
    try directory.write(to: source)
    let refused = try convert(source, folder.path.appending("no"), "--to", "qwen3_next")
    expectRefusal(refused, 69, ["vision_model.patch.weight"])
    let out = try folder.convert(source, "out", "--to", "qwen3_next", "--allow", "vision")
    try expectTensors(out, of: model)
  }

  @Test func layersWithM2RNNAreRefusedWithTheReason() throws {
    let spliced = folder.path.appending("spliced")
    expectSuccess(
      try GraftCommand.run([
        "splice", Fixtures.path(Self.experts).string, spliced.string, "--layer", "0",
        "--init", "zero",
      ]))
    let result = try convert(spliced, folder.path.appending("no"), "--to", "mcore-gpt")
    expectRefusal(result, 69, ["Megatron-Core has no M²RNN layers"])
  }

  @Test func thereAndBackIsTheSame() throws {
    let model = Fixtures.path("huggingface/qwen3_5_moe/text-f32")
    let there = try folder.convert(model, "there", "--to", "mcore-gpt")
    let inner = there.appending("iter_0000000")
    #expect(EditableCheckpoint.names(in: inner).contains("run_config.yaml"))
    #expect(!EditableCheckpoint.names(in: inner).contains("config.json"))
    let back = try folder.convert(
      there, "back", "--to", "qwen3_5_moe", "--form", "text, experts apart")
    try expectSameTensors(back, model)
  }
}
