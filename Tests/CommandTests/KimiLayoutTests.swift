import GraftTestSupport
import JSON
import Testing

/// Kimi Linear and Ling 3.0: from one form to another, and to llama.cpp and back.
@Suite struct KimiLayoutTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func model(_ fixture: String) -> String { Fixtures.path("huggingface/\(fixture)").string }

  /// What transformers saved again becomes the released form, in names and in what it computes.
  @Test(arguments: [
    ("kimi_linear", "model.layers.0.mlp.gate_proj.weight"),
    ("bailing_hybrid", "model.layers.0.attention.o_proj.weight"),
  ])
  func savedAgainBecomesReleased(_ layout: String, _ name: String) throws {
    let source = model("\(layout)/resave-f32")
    let out = folder.path.appending("out")
    expectSuccess(try GraftCommand.run("convert", source, out.string, "--form", "released"))
    #expect(try EditableCheckpoint.tensors(of: out).keys.contains(name))
    expectSuccess(
      try GraftCommand.run(
        "verify", out.string, "--reference", source + "/reference.safetensors"))
  }

  /// Layers behind the last whole group have latent attention, without a list that says so.
  @Test func theRestOfTheLayersIsLatentAttention() throws {
    let result = try GraftCommand.run("inspect", model("bailing_hybrid/bf16"), "--json")
    expectSuccess(result)
    let mixers = try result.json()["layers"]?.array?.map { $0["mixer"]?.string }
    #expect(mixers == ["kda", "mla", "kda", "mla", "mla"])
  }

  /// llama.cpp takes the eps of the model's norms where transformers has one of its own; allowed, tensors
  /// only move, and the way back gives the same ones.
  @Test func anotherEpsilonIsWrittenWhereItIsAllowed() throws {
    let source = model("bailing_hybrid/bf16")
    let (out, back) = (folder.path.appending("out").string, folder.path.appending("back").string)
    expectRefusal(
      try GraftCommand.run("convert", source, out, "--to", "gguf-bailingmoe3"), 69,
      ["mla.norm_eps", "kda.length_eps"])
    let there = try GraftCommand.run(
      "convert", source, out, "--to", "gguf-bailingmoe3", "--allow", "eps", "--json")
    expectSuccess(there)
    #expect(try there.json()["eps"]?["facts"]?.array?.count == 2)
    expectSuccess(
      try GraftCommand.run("convert", out, back, "--to", "bailing_hybrid", "--allow", "eps"))
    expectSuccess(
      try GraftCommand.run("verify", back, "--reference", source + "/reference.safetensors"))
  }

  /// mlx-lm's form holds the same values, experts stacked and projections of latent attention apart.
  @Test(arguments: [
    ("kimi_linear/resave-f32", "model.layers.2.self_attn.embed_q.weight", [4, 10, 8]),
    ("bailing_hybrid/bf16", "model.layers.1.attention.unembed_out.weight", [3, 6, 10]),
  ])
  func mlxComesBackByteForByte(_ fixture: String, _ name: String, _ shape: [Int]) throws {
    let layout = String(fixture.prefix { $0 != "/" })
    let source = try EditableCheckpoint(copying: Fixtures.path("huggingface/\(fixture)"))
    // mlx-lm always divides the weights of Ling's experts by their sum.
    try source.editConfig { if $0["norm_topk_prob"] != nil { $0["norm_topk_prob"] = true } }
    let (released, there, back) = (
      folder.path.appending("released"), folder.path.appending("there"),
      folder.path.appending("back")
    )
    expectSuccess(try GraftCommand.run("convert", source.path.string, released.string))
    expectSuccess(
      try GraftCommand.run(
        "convert", source.path.string, there.string, "--to", "mlx-" + layout, "--allow", "eps"))
    let stored = try EditableCheckpoint.tensors(of: there)
    #expect(stored[name]?.shape == shape)
    let config = try JSONValue(parsing: Fixtures.contents(there.appending("config.json")))
    #expect(config["num_shared_experts"] == JSONValue(layout == "kimi_linear" ? 2 : 1))
    expectSuccess(
      try GraftCommand.run(
        "convert", there.string, back.string, "--to", layout, "--allow", "eps"))
    #expect(
      try EditableCheckpoint.tensors(of: back) == EditableCheckpoint.tensors(of: released))
  }

  /// Ling 2.6 has the same model type: its tensors tell, whatever the config says.
  @Test func namesakesAreRefusedByName() throws {
    let source = try EditableCheckpoint(
      copying: Fixtures.path("huggingface/bailing_hybrid/resave-f32"))
    try source.editWeights("model.safetensors") { file in
      file.tensors.removeAll { $0.name.hasPrefix("model.layers.0.attention.") }
      file.tensors.append(
        .init("model.layers.0.attention.query_key_value.weight", [4], [1, 2, 3, 4]))
    }
    let result = try GraftCommand.run("inspect", source.path.string)
    expectRefusal(result, 69, ["Ling 2.6", "lightning attention"])
  }

  /// What does not fit together is named, with the tensor or the key.
  @Test(arguments: [
    ("num_expert_group", JSONValue(3), 65, "moe.groups must divide moe.experts"),
    ("num_expert_group", JSONValue(0), 65, "moe.groups must divide moe.experts"),
    ("topk_group", JSONValue(5), 65, "moe.groups_per_token must be between 1 and moe.groups"),
    ("num_experts_per_token", JSONValue(5), 65, "moe.experts_per_token"),
    ("qk_nope_head_dim", JSONValue(6), 65, "model.layers.2.self_attn"),
    ("v_head_dim", JSONValue(8), 65, "model.layers.2.self_attn"),
    ("num_shared_experts", JSONValue(1.5), 65, "num_shared_experts"),
    ("num_shared_experts", JSONValue(Int.max), 65, "num_shared_experts"),
    ("first_k_dense_replace", JSONValue(-1), 65, "first_k_dense_replace"),
    ("num_experts", JSONValue(3), 65, "experts.3"),
  ])
  func numbersThatDoNotFit(_ key: String, _ value: JSONValue, _ code: Int32, _ text: String) throws
  {
    let source = try EditableCheckpoint(
      copying: Fixtures.path("huggingface/kimi_linear/resave-f32"))
    try source.editConfig { config in
      config[key] = value
      if key == "first_k_dense_replace" { config["mlp_layer_types"] = nil }
    }
    expectRefusal(try GraftCommand.run("inspect", source.path.string), code, [text])
  }

  /// A correction for experts that are not there, and one of layers without experts.
  @Test(arguments: ["model.layers.1.", "model.layers.0."]) func aBiasWithoutExperts(_ layer: String)
    throws
  {
    let source = try EditableCheckpoint(
      copying: Fixtures.path("huggingface/kimi_linear/resave-f32"))
    let name = layer + "block_sparse_moe.gate.e_score_correction_bias"
    try source.editWeights("model.safetensors") { file in
      file[name] = nil
      file.tensors.append(.init(name, [5], [1, 2, 3, 4, 5]))
    }
    expectRefusal(try GraftCommand.run("inspect", source.path.string), 65, [name])
  }
}
