import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Models with stretched RoPE: logits that transformers computed, in every layout that can say it.
struct RopeScalingTests {
  private static let names = [
    "olmo_hybrid-yarn-attention-factor", "olmo_hybrid-yarn-null-betas", "qwen3_5-yarn-all-options",
    "qwen3_5_moe-yarn",
    "qwen3_next-linear", "qwen3_next-yarn-older-keys", "bailing_hybrid-yarn-all-options",
    "bailing_hybrid-yarn-older-keys",
  ]

  private func stretched(_ name: String) throws -> EditableCheckpoint {
    let cases = try JSONValue(parsing: Fixtures.bytes("rope-scaling/cases.json"))
    let model = try #require(cases[name])
    let checkpoint = try EditableCheckpoint(
      "huggingface/" + #require(model["checkpoint"]?.string))
    try checkpoint.editConfig { config in
      for (key, value) in model["set"]?.object?.entries ?? [] { config[key] = value }
    }
    return checkpoint
  }

  private func verify(_ checkpoint: String, _ name: String) throws -> CommandResult {
    let reference = Fixtures.path("rope-scaling/\(name).safetensors").string
    return try GraftCommand.run("verify", checkpoint, "--reference", reference)
  }

  @Test(arguments: names)
  func agreesWithTransformers(_ name: String) throws {
    let checkpoint = try stretched(name)
    expectSuccess(try verify(checkpoint.path.string, name))
  }

  /// Each option of YaRN shows in the logits.
  @Test(
    arguments: ["qwen3_5", "bailing_hybrid"],
    ["factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim", "truncate"])
  func everyOptionCounts(_ family: String, _ option: String) throws {
    let name = family + "-yarn-all-options"
    let checkpoint = try stretched(name)
    try checkpoint.editConfig { config in
      var rope = config["rope_parameters"]?.object ?? JSONObject()
      rope[option] = option == "factor" ? 9 : nil
      config["rope_parameters"] = .object(rope)
    }
    #expect(try verify(checkpoint.path.string, name).exitCode == 1)
  }

  @Test(arguments: [
    ("qwen3_next-linear", "mlx-qwen3_next"), ("qwen3_next-linear", "gguf-qwen3next"),
    ("qwen3_next-yarn-older-keys", "mlx-qwen3_next"),
    ("qwen3_next-yarn-older-keys", "gguf-qwen3next"), ("qwen3_5_moe-yarn", "mlx-qwen3_5_moe"),
  ])
  func otherLayoutsSayTheSame(_ name: String, _ layout: String) throws {
    let checkpoint = try stretched(name)
    let there = checkpoint.beside("there").string
    expectSuccess(try checkpoint.graft("convert", there, "--to", layout))
    expectSuccess(try verify(there, name))
    let back = checkpoint.beside("back").string
    let layout = String(name.prefix { $0 != "-" })
    expectSuccess(try GraftCommand.run("convert", there, back, "--to", layout, "--no-manifest"))
    expectSuccess(try verify(back, name))
  }

  @Test(arguments: [
    ("qwen3_5-yarn-all-options", "mlx-qwen3_5", ["rope.attention_factor", "rope.truncate"]),
    ("qwen3_5-yarn-all-options", "gguf-qwen35", ["rope.attention_factor", "rope.beta_fast"]),
    ("olmo_hybrid-yarn-attention-factor", "mlx-olmo_hybrid", ["rope.scaling"]),
    ("bailing_hybrid-yarn-all-options", "gguf-bailingmoe3", ["rope.mscale_all_dims"]),
    ("bailing_hybrid-yarn-all-options", "mlx-bailing_hybrid", ["rope.scaling"]),
  ])
  func whatALayoutCannotSayIsRefused(_ name: String, _ layout: String, _ facts: [String]) throws {
    let checkpoint = try stretched(name)
    let result = try checkpoint.graft("convert", checkpoint.beside("no").string, "--to", layout)
    expectRefusal(result, 69, facts)
  }
}
