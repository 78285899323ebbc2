import Canonical
import Diagnostics
import JSON
import Testing

@testable import Layouts

/// Keys that the readers of a layout understand in their own way, and numbers nobody means.
struct ConfigReaderTests {
  /// A config of one layer of each kind, as every Qwen layout reads it.
  private static func config(_ keys: String, type: String = "qwen3_5_text") -> String {
    """
    { "model_type": "\(type)", "vocab_size": 8, "hidden_size": 8, "num_hidden_layers": 2,
      "full_attention_interval": 2, "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 8,
      "intermediate_size": 4, "linear_num_key_heads": 1, "linear_num_value_heads": 1,
      "linear_key_head_dim": 2, "linear_value_head_dim": 2, "num_experts": 2,
      "num_experts_per_tok": 1, "moe_intermediate_size": 4, "shared_expert_intermediate_size": 4,
      "linear_allow_neg_eigval": true \(keys) }
    """
  }

  private func read(_ id: String, _ keys: String) throws -> ModelConfiguration {
    let layout = try LayoutCatalogue.builtIn().layout(id)
    return try layout.configuration(from: JSONValue(parsing: Array(Self.config(keys).utf8)))
  }

  /// Rules for RoPE that Graft does not compute, under every key that transformers reads, and values
  /// under two keys, of which it drops one.
  @Test(
    arguments: ["qwen3_next", "qwen3_5", "qwen3_5_moe", "olmo_hybrid"],
    [
      #", "rope_parameters": { "type": "dynamic", "factor": 4.0 }"#,
      #", "rope_parameters": { "rope_type": "default" }, "rope_scaling": { "rope_type": "yarn" }"#,
      #", "rope_scaling": { "type": "llama3", "factor": 4.0 }"#,
      #", "rope_parameters": { "rope_theta": 5 }, "rope_scaling": { "rope_theta": 7 }"#,
    ])
  func stretchedRopeIsRefused(id: String, keys: String) throws {
    let problem = #expect(throws: Problem.self) { try read(id, keys) }
    #expect(problem?.kind == .unsupported)
  }

  /// YaRN without the first context: transformers takes the positions, mlx-lm 4096.
  @Test(arguments: [
    ("qwen3_next", "rope_scaling", 77), ("qwen3_5", "rope_parameters", 77),
    ("mlx-qwen3_next", "rope_scaling", 4096), ("mlx-qwen3_5_moe", "rope_parameters", 4096),
  ])
  func firstContext(id: String, key: String, positions: Int) throws {
    let object = #"{ "type": "yarn", "factor": 4, "rope_theta": 5 }"#
    let keys = #", "max_position_embeddings": 77, "rope_theta": 5, "partial_rotary_factor": 1"#
    let scaling = try read(id, keys + #", "\#(key)": \#(object)"#).ropeScaling
    #expect(scaling.kind == .yarn && scaling.factor == 4)
    #expect(scaling.originalPositions == positions)
  }

  /// What YaRN of mlx-lm and llama.cpp scale otherwise than Graft, and numbers nobody means.
  @Test(arguments: [
    ("mlx-qwen3_5", #"{ "type": "yarn", "factor": 4, "mscale": 0.7 }"#),
    ("mlx-qwen3_5", #"{ "type": "yarn", "factor": 4, "mscale_all_dim": 1 }"#),
    ("qwen3_5", #"{ "type": "yarn", "factor": 0 }"#),
    ("qwen3_5", #"{ "type": "linear", "factor": -2 }"#),
    ("qwen3_5", #"{ "type": "linear" }"#),
    ("qwen3_5", #"{ "type": "yarn", "factor": 4, "beta_fast": 0 }"#),
    ("qwen3_5", #"{ "type": "yarn", "factor": 4, "original_max_position_embeddings": 0 }"#),
  ])
  func oddStretchingIsRefused(id: String, object: String) throws {
    #expect(throws: (any Error).self) { try read(id, #", "rope_parameters": \#(object)"#) }
  }

  /// transformers takes null for a missing list.
  @Test func noLayerIsDenseByName() throws {
    let model = try read("qwen3_next", #", "rope_theta": 5, "mlp_only_layers": null"#)
    #expect(model.layers.allSatisfy { $0.feedForward.kind == .moe })
  }

  /// In transformers one key says the activation of MLPs and of convolutions.
  @Test(arguments: ["qwen3_next", "qwen3_5", "qwen3_5_moe", "olmo_hybrid"])
  func convolutionsHaveTheActivationOfTheMLP(id: String) throws {
    let model = try read(id, #", "rope_theta": 5, "hidden_act": "gelu_new""#)
    #expect(model.layers[0].feedForward.activation == .geluTanh)
    #expect(model.layers[0].mixer.values["gdn.activation"] == .word("gelu_tanh"))
    #expect(throws: Problem.self) { try read(id, #", "hidden_act": "moonshine""#) }
  }

  /// mlx-lm has no defaults for sizes that no layer needs.
  @Test func mlxConfigsNameEverySize() throws {
    let catalogue = try LayoutCatalogue.builtIn()
    let model = try read("mlx-qwen3_5", #", "rope_theta": 5"#)
    let config = try catalogue.layout("mlx-qwen3_next").writtenConfig(model)
    for key in ["num_experts", "num_experts_per_tok", "moe_intermediate_size"] {
      #expect(config.object?[key] == 0, "\(key)")
    }
  }

  /// llama.cpp brings queries and keys to unit length with the eps of norms.
  @Test func llamaLengthEpsilon() throws {
    let catalogue = try LayoutCatalogue.builtIn()
    let model = try read("qwen3_5", #", "rope_theta": 5, "rms_norm_eps": 1e-3"#)
    let target = try catalogue.layout("gguf-qwen35")
    let there = try target.configuration(from: target.writtenConfig(model))
    #expect(model.disagreements(with: there).map(\.fact).contains("gdn.length_eps"))
  }

  /// mlx-lm has other defaults than transformers.
  @Test func mlxDefaults() throws {
    let next = try read("mlx-qwen3_next", #", "rope_theta": 5, "partial_rotary_factor": 0.5"#)
    #expect(next.layers[0].feedForward.values["moe.router"] == .word("softmax_topk"))
    let dense = try read("mlx-qwen3_5", #", "rope_theta": 5, "partial_rotary_factor": 0.5"#)
    #expect(dense.ropeTheta == 100_000 && dense.ropeDim == 2)
    let moe = try read("mlx-qwen3_5_moe", #", "norm_topk_prob": false"#)
    #expect(moe.layers[0].feedForward.values["moe.router"] == .word("softmax_topk"))
    #expect(moe.ropeTheta == 100_000)
    let olmo = try read("mlx-olmo_hybrid", #", "layer_norm_epsilon": 1e-3"#)
    #expect(olmo.layers[0].mixer.values["gdn.norm_eps"] == .number(1e-3))
  }

  /// A key that one library ignores does not enter a config whose reader heeds it.
  @Test(arguments: [
    ("qwen3_5_moe", "mlx-qwen3_5_moe", #"norm_topk_prob": false"#),
    ("olmo_hybrid", "mlx-olmo_hybrid", #"layer_norm_epsilon": 0.5"#),
  ])
  func ignoredKeysStayOut(from: String, to: String, key: String) throws {
    let catalogue = try LayoutCatalogue.builtIn()
    let (source, target) = (try catalogue.layout(from), try catalogue.layout(to))
    let config = try JSONValue(parsing: Array(Self.config(#", "rope_theta": 5, ""# + key).utf8))
    let model = try source.configuration(from: config)
    let written = try target.writtenConfig(model, keeping: config, of: source)
    let lost = try model.disagreements(with: target.configuration(from: written))
    #expect(lost == [])
  }

  /// The quantisation of a multimodal config stands outside the nested object.
  @Test func outerQuantisationIsRefused() throws {
    let layout = try LayoutCatalogue.builtIn().layout("qwen3_5")
    let text = #"{ "quantization_config": { "bits": 4 }, "text_config": \#(Self.config("")) }"#
    let config = try JSONValue(parsing: Array(text.utf8))
    #expect(throws: Problem.self) {
      _ = try layout.configuration(from: config)
      _ = try layout.quantisation(from: config)
    }
  }

  @Test(arguments: [Int.min, Int.max])
  func hostileExpertCountsAreRefused(count: Int) throws {
    let text = Self.config("").replacing(#""num_experts": 2"#, with: #""num_experts": \#(count)"#)
    let layout = try LayoutCatalogue.builtIn().layout("qwen3_5_moe")
    #expect(throws: (any Error).self) {
      try layout.configuration(from: JSONValue(parsing: Array(text.utf8)))
    }
  }

  @Test(arguments: [(Int.max, 8), (-4, 8), (0, Int.max)])
  func hostileRopeDimsAreRefused(dim: Int, headDim: Int) throws {
    var facts: Facts = ["vocabulary": .integer(8), "hidden": .integer(8), "layers": .integer(1)]
    facts["position"] = .word("rope")
    facts["rope.dim"] = .integer(dim)
    let layer: Facts = [
      "mixer": .word("attention"), "attention.heads": .integer(2), "mlp": .word("dense"),
      "attention.head_dim": .integer(headDim), "mlp.intermediate": .integer(4),
    ]
    #expect(throws: (any Error).self) { try ModelConfiguration(model: facts, layers: [layer]) }
  }

  @Test func valuesOfTheWrongKindAreRefused() throws {
    let layout = try LayoutCatalogue.builtIn().layout("qwen3_5")
    for (keys, what) in [
      (#", "rope_parameters": 5"#, "the config has a value of the wrong type"),
      (
        #", "rope_parameters": { "mrope_section": ["a"] }"#,
        "the config has a value of the wrong type"
      ),
      (
        #", "rope_parameters": { "mrope_section": [2, 2] }"#,
        "the config has a value of the wrong type"
      ),
      (#", "rms_norm_eps": [1]"#, "the config has a value of the wrong type"),
    ] {
      let error = #expect(throws: (any Error).self) { try read("qwen3_5", keys) }
      #expect(error?.asProblems.first?.what == what, "\(keys)")
    }
    let list = #expect(throws: Problem.self) { try layout.configuration(from: .array([])) }
    #expect(list?.what == "the config is not a JSON object")
    #expect(throws: Problem.self) { try Quantisation("fp8") }
  }

  /// mlx-lm reads the inner key, transformers the outer one.
  @Test func aTieThatIsSaidTwiceMustBeOne() throws {
    func tied(_ id: String, _ outer: Bool, _ inner: Bool) throws -> Bool {
      let text = Self.config(#", "tie_word_embeddings": \#(inner)"#)
      let config = """
        { "model_type": "qwen3_5", "tie_word_embeddings": \(outer), "text_config": \(text) }
        """
      let layout = try LayoutCatalogue.builtIn().layout(id)
      return try layout.configuration(from: JSONValue(parsing: Array(config.utf8))).isTied
    }
    #expect(try tied("qwen3_5", true, false) && !tied("qwen3_5", false, true))
    #expect(try tied("mlx-qwen3_5", true, true) && !tied("mlx-qwen3_5", false, false))
    let problem = #expect(throws: Problem.self) { try tied("mlx-qwen3_5", false, true) }
    #expect(problem?.what == "two keys of the config contradict each other")
    #expect(problem?.found == "text_config/tie_word_embeddings: true")
  }

  /// A list of layers that llama.cpp's converter writes beside an interval that is not theirs.
  @Test func aListOfLayersCountsMoreThanTheInterval() throws {
    let kinds = #", "layer_types": ["full_attention", "linear_attention"]"#
    let configuration = try read("qwen3_5", kinds)
    #expect(configuration.layers.map(\.mixer.kind) == ["attention", "gdn"])
  }

  @Test func layersForWhichALayoutHasNoWords() throws {
    let configuration = try read("qwen3_5", "")
    #expect(configuration.layers.map(\.mixer.kind) == ["gdn", "attention"])
    var irregular = configuration
    irregular.layers.reverse()
    let mlx = try LayoutCatalogue.builtIn().layout("mlx-qwen3_5")
    #expect(mlx.unsaid(configuration).isEmpty)
    #expect(
      mlx.unsaid(irregular).map(\.facts) == [["mixer": .word("in no regular interval")]])
    var unknown = configuration
    unknown.layers[0].mixer = .carried("hyena")
    let engine = try LayoutCatalogue.builtIn().layout("lm-engine")
    #expect(engine.unsaid(unknown).contains { $0.layer == 0 && $0.key == "sequence_mixer_blocks" })
  }

  @Test func theFormOfNormsIsSaid() throws {
    let configuration = try read("qwen3_5", "")
    for (id, text) in [
      ("qwen3_5", "around zero, used as 1 + weight"), ("mlx-qwen3_5", "stored with 1.0 added"),
    ] {
      let binding = try LayoutBinding(LayoutCatalogue.builtIn().layout(id), configuration)
      let norms = StoredForm(binding, configuration).aspects.first { $0.name == "norms" }
      #expect(norms?.text == text)
    }
  }

  @Test func aFileThatIsNoLayoutIsNamed() throws {
    let problem = #expect(throws: Problem.self) {
      try LayoutCatalogue(files: [("x.json", Array("{".utf8))])
    }
    #expect(problem?.file == "x.json" && problem?.remedy == FormatValue.remedy)
  }
}
