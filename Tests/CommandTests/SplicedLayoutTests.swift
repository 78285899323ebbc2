import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// M²RNN layers in layouts that were not made for them.
@Suite struct SplicedLayoutTests {
  /// A fixture, its layers to replace, the layouts that hold the same model, and the options of its
  /// conversion.
  struct Case: CustomTestStringConvertible, Sendable {
    let fixture: String
    let layers: [Int]
    let others: [String]
    var options: [String] = []
    var testDescription: String { fixture }
  }

  static let cases = [
    Case(
      fixture: "huggingface/qwen3_next/bf16", layers: [0, 1],
      others: ["qwen3_5_moe", "mlx-qwen3_next", "mlx-qwen3_5_moe"]),
    Case(
      fixture: "huggingface/qwen3_5/text-bf16", layers: [1, 4],
      others: ["qwen3_next", "mlx-qwen3_5"]),
    Case(
      fixture: "huggingface/qwen3_5_moe/text-f32", layers: [0], others: []),
    Case(fixture: "huggingface/olmo_hybrid/bf16", layers: [1], others: ["mlx-olmo_hybrid"]),
    Case(fixture: "fla/gdn-hybrid", layers: [0], others: []),
    Case(fixture: "huggingface/qwen3_5/multimodal-mixed", layers: [0, 3], others: []),
    Case(fixture: "huggingface/qwen3_5_moe/multimodal-fused-mixed", layers: [0], others: []),
    Case(fixture: "huggingface/kimi_linear/bf16", layers: [0, 3], others: []),
    Case(fixture: "huggingface/kimi_linear/resave-f32", layers: [1], others: []),
    Case(fixture: "huggingface/bailing_hybrid/bf16", layers: [2], others: []),
    Case(fixture: "huggingface/bailing_hybrid/resave-f32", layers: [0], others: []),
  ]

  private func graft(_ arguments: String...) throws -> CommandResult {
    try GraftCommand.run(arguments)
  }

  /// Replaces the layers one by one, each with sizes of its own, the last one by what it was.
  private func splice(_ item: Case, in folder: TemporaryDirectory) throws -> FilePath {
    var path = Fixtures.path(item.fixture)
    for layer in item.layers {
      let out = folder.path.appending("spliced-\(layer)")
      expectSuccess(
        try graft(
          "splice", path.string, out.string, "--layer", "\(layer)", "--heads", "\(layer + 2)",
          "--k-head-dim", "6", "--v-head-dim", "\(layer + 3)", "--seed", "\(layer)",
          "--init", layer == item.layers.last ? "transfer" : "reference"))
      path = out
    }
    return path
  }

  @Test(arguments: cases)
  func onlyTheLayersChange(_ item: Case) throws {
    let folder = try TemporaryDirectory()
    let out = try splice(item, in: folder)
    let before = try EditableCheckpoint.tensors(of: Fixtures.path(item.fixture))
    let after = try EditableCheckpoint.tensors(of: out)
    let mixers = item.layers.flatMap { layer in
      [".linear_attn.", ".attn.", ".self_attn.", ".attention."].map { ".\(layer)\($0)" }
    }
    for (name, tensor) in before where !mixers.contains(where: name.contains) {
      #expect(after[name] == tensor, "\(name)")
    }
    for name in after.keys where before[name] == nil {
      #expect(name.contains(".m2rnn."), "\(name)")
    }
    let config = try JSONValue(parsing: Fixtures.contents(out.appending("config.json")))
    let groups = (config["text_config"] ?? config)["m2rnn"]
    let objects = groups?.array ?? [groups ?? .null]
    #expect(objects.map { $0["layers"] } == item.layers.map { [JSONValue($0)] })
    #expect(objects.map { $0["num_v_heads"]?.int } == item.layers.map { $0 + 2 })
    let source = try JSONValue(
      parsing: Fixtures.contents(Fixtures.path(item.fixture).appending("config.json")))
    #expect(
      (config["text_config"] ?? config)["layer_types"]
        == (source["text_config"] ?? source)["layer_types"])
  }

  /// A spliced model gives the same logits in every layout, and comes back byte for byte.
  @Test(arguments: cases)
  func everyLayoutComputesTheSame(_ item: Case) throws {
    let folder = try TemporaryDirectory()
    let spliced = try splice(item, in: folder)
    for other in item.others {
      let there = folder.path.appending(other)
      let back = folder.path.appending("\(other)-back")
      expectSuccess(try graft("convert", spliced.string, there.string, "--to", other))
      expectSuccess(
        try graft("verify", there.string, spliced.string, "--from", other, "--gate", "0"))
      let layout = try graft("inspect", spliced.string, "--json").json()["layout"]?.string ?? ""
      expectSuccess(
        try graft("convert", there.string, back.string, "--to", layout, "--from", other))
      let tensors = try EditableCheckpoint.tensors(of: spliced)
      #expect(try EditableCheckpoint.tensors(of: back) == tensors)
      let name = "config.json"
      let config = try JSONValue(parsing: Fixtures.contents(spliced.appending(name)))
      let again = try JSONValue(parsing: Fixtures.contents(back.appending(name)))
      #expect(again["m2rnn"] == config["m2rnn"])
    }
  }

  /// llama.cpp has no words for such a layer.
  @Test func ggufHoldsNone() throws {
    let folder = try TemporaryDirectory()
    let spliced = try splice(Self.cases[1], in: folder)
    let out = folder.path.appending("gguf").string
    let result = try graft("convert", spliced.string, out, "--to", "gguf-qwen35")
    expectRefusal(result, 69, ["mixer", "m2rnn in layers 1,4"])
  }

  /// mlx-lm has none in models with Kimi Delta Attention: neither splice nor convert writes them, and what the refusal
  /// advises works.
  @Test(arguments: ["kimi_linear/resave-f32", "bailing_hybrid/bf16"])
  func mlxFormsOfKimiHoldNone(_ fixture: String) throws {
    let layout = String(fixture.prefix { $0 != "/" })
    let source = try EditableCheckpoint("huggingface/" + fixture)
    try source.editConfig { if $0["norm_topk_prob"] != nil { $0["norm_topk_prob"] = true } }
    let (there, out) = (source.beside("there").string, source.beside("out").string)
    expectSuccess(
      try source.graft("convert", there, "--to", "mlx-" + layout, "--allow", "eps"))
    let words = ["layout mlx-\(layout) has no words for mixer", "m2rnn in layers 0"]
    let refused = try GraftCommand.run("splice", there, out, "--layer", "0")
    expectRefusal(
      refused, 69, words + ["splice the Hugging Face form", "with --allow eps for Kimi Linear"])
    let explained = try GraftCommand.run("convert", there, "--explain", "--allow", "eps").output
    #expect(explained.contains("mlx-\(layout) → \(layout): exact"))
    let back = source.beside("back")
    expectSuccess(
      try GraftCommand.run("convert", there, back.string, "--to", layout, "--allow", "eps"))
    let spliced = source.beside("spliced").string
    expectSuccess(try GraftCommand.run("splice", back.string, spliced, "--layer", "0"))
    expectRefusal(
      try GraftCommand.run("convert", spliced, out, "--to", "mlx-" + layout, "--allow", "eps"), 69,
      words)
    #expect(!source.neighbours.contains { $0.hasPrefix("out") })
  }

  /// The programs of these layouts cannot load a model without attention.
  @Test(arguments: [
    ("olmo_hybrid", "needs a layer with attention"),
    ("mlx-qwen3_5", "needs a layer with attention"),
    ("mlx-olmo_hybrid", "needs the heads of attention layers"),
  ])
  func aModelWithoutAttentionIsRefused(layout: String, reason: String) throws {
    let folder = try TemporaryDirectory()
    let source = Fixtures.path("options/m2rnn-activation").string
    let result = try graft("convert", source, folder.path.appending("out").string, "--to", layout)
    expectRefusal(result, 69, [reason, "expected  mixer=attention"])
  }

  /// lm-engine's own logits of every option of an M²RNN layer, computed from other layouts.
  @Test(
    arguments: [
      "activation", "bias", "convolution", "dims", "dims-one", "heads-all", "heads-divisor",
      "heads-one", "norm", "shared-weights", "small",
    ], ["fla", "qwen3_5", "qwen3_next"])
  func everyOptionIsHeld(name: String, layout: String) throws {
    let folder = try TemporaryDirectory()
    let source = Fixtures.path("options/m2rnn-\(name)")
    let (there, back) = (folder.path.appending("there"), folder.path.appending("back"))
    expectSuccess(try graft("convert", source.string, there.string, "--to", layout))
    let reference = source.appending("reference.safetensors").string
    expectSuccess(
      try graft("verify", there.string, "--reference", reference, "--from", layout))
    expectSuccess(
      try graft("convert", there.string, back.string, "--to", "lm-engine", "--from", layout))
    expectSuccess(try graft("verify", back.string, "--reference", reference))
    let before = try JSONValue(parsing: Fixtures.contents(source.appending("config.json")))
    let after = try JSONValue(parsing: Fixtures.contents(back.appending("config.json")))
    for (old, new) in zip(
      before["sequence_mixer_blocks"]?.array ?? [], after["sequence_mixer_blocks"]?.array ?? [])
    {
      for key in ["gradient_clipping", "use_residual", "add_bias", "kernel_size", "num_q_heads"] {
        #expect(new[key] == old[key], "\(key)")
      }
    }
  }
}

/// Faults in M²RNN layers of Hugging Face form, planted one at a time.
@Suite struct SplicedFaultTests {
  private static let mixer = "model.layers.2.linear_attn.m2rnn."

  /// Converts a checkpoint with lm-engine's logits, spoils it, and expects that verify names layer 2.
  private func expectFound(_ fixture: String, _ spoil: (inout PlainCheckpointFile) throws -> Void)
    throws
  {
    let checkpoint = try EditableCheckpoint(fixture)
    let reference = checkpoint.reference
    let out = checkpoint.beside("hf")
    expectSuccess(
      try GraftCommand.run("convert", checkpoint.path.string, out.string, "--to", "qwen3_5"))
    expectSuccess(try GraftCommand.run("verify", out.string, "--reference", reference))
    let spoilt = try EditableCheckpoint(copying: out)
    try spoilt.editWeights { try spoil(&$0) }
    let result = try spoilt.graft("verify", "--reference", reference, "--json")
    #expect(result.exitCode == 1 && result.errors.isEmpty, "\(result)")
    #expect(try result.json()["first_divergent_layer"] == 2)
  }

  @Test func queriesAndKeysSwapped() throws {
    try expectFound("options/m2rnn-convolution") { file in
      let name = Self.mixer + "input_projection.weight"
      var rows = try #require(file[name])
      let width = 8 * rows.shape[1]
      let values = rows.floats
      rows.floats = Array(values[width..<2 * width] + values[..<width] + values[(2 * width)...])
      file[name] = rows
    }
  }

  @Test(arguments: ["g_norm.weight", "D", "decay_gate.A_log"])
  func oneAdded(name: String) throws {
    try expectFound("options/m2rnn-convolution") { file in
      let values = try #require(file[Self.mixer + name]?.floats)
      file[Self.mixer + name]?.floats = values.map { $0 + 1 }
    }
  }

  @Test func theStateWeightTransposed() throws {
    try expectFound("options/m2rnn-convolution") { file in
      var weight = try #require(file[Self.mixer + "state_weight"])
      let (values, size) = (weight.floats, weight.shape[2])
      weight.floats = values.indices.map { index in
        let (head, place) = (index / (size * size), index % (size * size))
        return values[head * size * size + place % size * size + place / size]
      }
      file[Self.mixer + "state_weight"] = weight
    }
  }

  @Test func tensorsOfAnotherKindOfLayer() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/text-bf16")
    let out = checkpoint.beside("out")
    expectSuccess(
      try GraftCommand.run("splice", checkpoint.path.string, out.string, "--layer", "0"))
    let spoilt = try EditableCheckpoint(copying: out)
    try spoilt.editConfig { $0["m2rnn"]?["layers"] = [1] }
    try spoilt.expectRefused(65, "model.layers.0.linear_attn.in_proj_qkv.weight", "missing")
    try spoilt.editConfig { $0["m2rnn"]?["layers"] = [2] }
    try spoilt.expectRefused(65, "m2rnn: the other keys say that a layer is of another kind")
    try spoilt.editConfig { $0["m2rnn"]?["layers"] = [0, 0] }
    try spoilt.expectRefused(65, "m2rnn: a layer does not exist or is named twice")
  }
}
