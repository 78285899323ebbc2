import Canonical
import Diagnostics
import GraftTestSupport
import JSON
import Testing

@testable import Layouts

/// What the originals read of a config, key by key: read here, refused where it would change the model,
/// or listed with the reason why it changes nothing.
struct ConfigAttributeTests {
  private static let lists = Result {
    try JSONValue(parsing: Fixtures.bytes("config-attributes.json"))["layouts"]?.object?.entries
      ?? []
  }

  private func read(_ id: String, _ keys: String) throws -> ModelConfiguration {
    let base = """
      { "vocab_size": 8, "hidden_size": 8, "num_hidden_layers": 4, "intermediate_size": 4,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "num_experts": 16,
        "linear_num_key_heads": 1, "linear_num_value_heads": 1, "linear_key_head_dim": 2,
        "linear_value_head_dim": 2, "moe_intermediate_size": 4, "num_experts_per_tok": 2,
        "shared_expert_intermediate_size": 4\(keys) }
      """
    return try LayoutCatalogue.builtIn().layout(id)
      .configuration(from: JSONValue(parsing: Array(base.utf8), .python))
  }

  @Test func everyAttributeIsKnown() throws {
    let lists = try Self.lists.get()
    #expect(lists.count == 12)
    for (id, names) in lists {
      let config = try LayoutCatalogue.builtIn().layout(id).config
      for name in names.array?.compactMap(\.string) ?? [] {
        let parts = config.entries.contains { $0.key.hasPrefix(name + "/") }
        #expect(parts || config.use(of: name) != nil, "\(id) says nothing of \(name)")
      }
    }
  }

  static let originals = ["qwen3_next", "qwen3_5", "qwen3_5_moe", "olmo_hybrid"]

  /// Values that would change what the original computes, and the neutral ones.
  @Test(
    arguments: originals,
    [
      ("is_causal", ["false", "null", "0"], ["true"]),
      ("per_layer_config", [#"{"1": {"num_attention_heads": 2}}"#], ["null", "{}"]),
      ("kv_sharing_modes", [#"["reuse"]"#], ["null"]),
      ("_rope_type_labels", [#"["rope_theta"]"#], ["null"]),
      ("transformers_weights", [#""other.safetensors""#], ["null"]),
    ])
  func keysThatChangeTheModelAreRefused(
    id: String, key: (name: String, others: [String], neutral: [String])
  ) throws {
    let plain = try read(id, "")
    for value in key.neutral {
      #expect(try read(id, #", "\#(key.name)": \#(value)"#) == plain, "\(value)")
    }
    for value in key.others {
      let problem = #expect(throws: Problem.self) {
        try read(id, #", "\#(key.name)": \#(value)"#)
      }
      #expect(problem?.kind == .unsupported && problem?.what.hasPrefix(key.name) == true)
    }
  }

  /// RoPE by kind of layer, wherever it stands; null there counts as such an object.
  @Test(
    arguments: originals,
    [
      #""rope_parameters": { "full_attention": { "rope_type": "default", "rope_theta": 5 } }"#,
      #""rope_parameters": { "linear_attention": null, "rope_theta": 5 }"#,
      #""rope_scaling": { "full_attention": { "rope_type": "default", "rope_theta": 5 } }"#,
    ])
  func ropeByKindOfLayerIsRefused(id: String, keys: String) throws {
    let problem = #expect(throws: Problem.self) { try read(id, ", " + keys) }
    #expect(problem?.kind == .unsupported && problem?.what.contains("_attention: ") == true)
  }

  /// A share of the head that OLMo-Hybrid reads only where it stretches RoPE.
  @Test func aShareThatCountsForStretchedRopeAlone() throws {
    #expect(throws: Never.self) {
      try read("olmo_hybrid", #", "rope_parameters": { "partial_rotary_factor": 0.5 }"#)
    }
    #expect(throws: Problem.self) {
      try read(
        "olmo_hybrid",
        #", "rope_parameters": { "type": "linear", "factor": 2, "partial_rotary_factor": 0.5 }"#)
    }
  }

  /// Beside the parameters of RoPE the first context counts for YaRN, and more than the one among them.
  @Test(arguments: originals)
  func theFirstContextOutside(id: String) throws {
    let outside = #", "original_max_position_embeddings": 16"#
    #expect(try read(id, outside) == read(id, ""))
    let yarn = #", "rope_parameters": { "rope_type": "yarn", "factor": 4, "rope_theta": 5"#
    for inside in ["", #", "original_max_position_embeddings": 64"#] {
      let model = try read(id, yarn + inside + " }" + outside)
      #expect(model.ropeScaling.originalPositions == 16)
    }
    let null = try read(id, yarn + #", "beta_fast": null, "beta_slow": null }"#)
    #expect(null == (try read(id, yarn + " }")))
  }

  /// What transformers' classes fill in.
  @Test(arguments: [
    ("qwen3_next", 16, 2, 10), ("qwen3_5", 16, 4, 0), ("qwen3_5_moe", 16, 2, 8),
    ("olmo_hybrid", 30, 30, 0),
  ])
  func missingSizes(id: String, heads: Int, kvHeads: Int, chosen: Int) throws {
    let text = """
      { "vocab_size": 8, "hidden_size": 60, "num_hidden_layers": 4, "intermediate_size": 4,
        "num_experts": 16, "moe_intermediate_size": 4 }
      """
    let model = try LayoutCatalogue.builtIn().layout(id)
      .configuration(from: JSONValue(parsing: Array(text.utf8)))
    guard case .attention(let attention) = model.layers[3].mixer,
      case .gatedDeltaNet(let gdn) = model.layers[0].mixer
    else {
      Issue.record("\(model.layers)")
      return
    }
    #expect(attention.heads == heads && attention.kvHeads == kvHeads)
    #expect(gdn.keyHeads == (id == "olmo_hybrid" ? 30 : 16))
    if chosen > 0 { #expect(model.layers[0].feedForward.expertsPerToken == chosen) }
  }

  /// Numbers that are not finite are refused by the key that holds them, and only there.
  @Test(arguments: JSONDialect.NotFinite.allCases.map(\.rawValue))
  func numbersThatAreNotFinite(word: String) throws {
    #expect(try read("qwen3_5", #", "time_step_limit": [0.0, \#(word)]"#) == read("qwen3_5", ""))
    for key in ["rms_norm_eps", "rope_theta", "linear_conv_kernel_dim", "initializer_range"] {
      let problem = #expect(throws: Problem.self) {
        try read("qwen3_next", #", "\#(key)": \#(word)"#)
      }
      #expect(problem?.found == "\(key): \(word)" || problem?.found?.contains(word) == true)
    }
  }

  /// Keys that nobody knows are told apart from those that decide nothing.
  @Test func unknownKeys() throws {
    let layout = try LayoutCatalogue.builtIn().layout("qwen3_5")
    let config: JSONValue = [
      "model_type": "qwen3_5_text", "use_cache": true, "attention_sink": 4, "torch_dtype": "x",
      "full_attention_interval": 4, "mtp_num_hidden_layers": 1, "vision_config": ["depth": 1],
      "rope_parameters": ["rope_theta": 5, "rope_shift": 2], "m2rnn": ["layers": [0]],
    ]
    #expect(layout.unknownKeys(config) == ["attention_sink", "rope_parameters/rope_shift"])
    let outer: JSONValue = ["text_config": config, "image_token_id": 7, "text_sink": 1]
    #expect(layout.unknownKeys(outer) == layout.unknownKeys(config))
  }
}
