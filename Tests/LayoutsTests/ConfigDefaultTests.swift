import Canonical
import Diagnostics
import JSON
import Testing

@testable import Layouts

/// Configs that leave out what their own library fills in, and values that have more than one place.
struct ConfigDefaultTests {
  private func read(_ id: String, _ text: String) throws -> ModelConfiguration {
    let layout = try LayoutCatalogue.builtIn().layout(id)
    return try layout.configuration(from: JSONValue(parsing: Array(text.utf8)))
  }

  /// The defaults of fla's own configuration class.
  @Test func flaFillsInEverything() throws {
    let model = try read("fla", #"{ "model_type": "gated_deltanet" }"#)
    #expect(model.vocabulary == 32000 && model.hidden == 2048 && model.layers.count == 21)
    guard case .gatedDeltaNet(let gdn) = model.layers[0].mixer else { return }
    #expect(gdn.keyHeads == 6 && gdn.valueHeads == 6 && gdn.keyDim == 256 && gdn.valueDim == 512)
    #expect(gdn.taps == 4 && gdn.gate == .afterNorm && !gdn.allowsNegativeEigenvalues)
    #expect(model.layers[0].feedForward.intermediate == 5632)
  }

  /// The defaults of transformers' own configuration class, among them a period of five layers.
  @Test func laraFillsInEverything() throws {
    let model = try read("lara_mini", #"{ "model_type": "lara_mini" }"#)
    #expect(model.vocabulary == 151_936 && model.hidden == 1024 && model.layers.count == 34)
    #expect(model.isTied && model.ropeDim == 128 && model.ropeTheta == 10_000)
    let rotating = model.layers.map { model.rotation(of: $0) != nil }
    let windows = model.layers.map { layer -> Int? in
      if case .attention(let attention) = layer.mixer { attention.window } else { nil }
    }
    #expect(rotating == (0..<34).map { [1, 4].contains($0 % 5) })
    #expect(windows == rotating.map { $0 ? 512 : nil })
    #expect(model.layers.indices.filter { model.layers[$0].mixer.kind == "gdn" }.count == 14)
  }

  /// The pattern of transformers' own configuration class, which is not that of the released model.
  @Test func kimiFillsInItsLayers() throws {
    let sizes = #""linear_attn_config": { "num_heads": 2, "head_dim": 4 }"#
    let model = try read(
      "kimi_linear",
      """
      { "model_type": "kimi_linear", "num_hidden_layers": 10, "vocab_size": 9, "hidden_size": 8, \(sizes),
        "num_attention_heads": 2, "kv_lora_rank": 3, "qk_nope_head_dim": 4, "qk_rope_head_dim": 2,
        "v_head_dim": 4, "intermediate_size": 5, "moe_intermediate_size": 5, "num_experts": 4,
        "num_experts_per_token": 1 }
      """)
    #expect(model.layers.map(\.mixer.mark).joined() == "KKKKLKKKLK")
  }

  /// A gate that Graft does not compute must not pass for the one it does.
  @Test func flaWithAnotherGateIsRefused() throws {
    func config(_ gate: String) -> String {
      #"{ "model_type": "gated_deltanet", "output_gate_activation": "\#(gate)" }"#
    }
    #expect(throws: Never.self) { try read("fla", config("silu")) }
    let problem = #expect(throws: Problem.self) { try read("fla", config("sigmoid")) }
    #expect(problem?.kind == .unsupported)
  }

  @Test func flaAttentionLayersMayDifferInKeyHeadsAndTheta() throws {
    func config(_ theta: Int) -> String {
      """
      { "num_hidden_layers": 4, "hidden_size": 64, "use_short_conv": false, "use_gate": false,
        "expand_v": 1.5, "num_v_heads": null,
        "attn": [{ "layers": [1], "num_heads": 4, "window_size": 8, "rope_theta": 500 },
                 { "layers": [3], "num_heads": 4, "num_kv_heads": 2, "rope_theta": \(theta) }] }
      """
    }
    let model = try read("fla", config(500))
    #expect(model.ropeTheta == 500 && model.layers.map(\.mixer.mark).joined() == "GAGA")
    guard case .attention(let first) = model.layers[1].mixer,
      case .attention(let second) = model.layers[3].mixer,
      case .gatedDeltaNet(let gdn) = model.layers[0].mixer
    else { return }
    #expect(first.heads == 4 && first.kvHeads == 4 && first.window == 8 && first.headDim == 16)
    #expect(second.heads == 4 && second.kvHeads == 2 && second.window == nil)
    #expect(gdn.taps == 0 && gdn.gate == .none && gdn.valueDim == 384)
    let layout = try LayoutCatalogue.builtIn().layout("fla")
    #expect(try layout.configuration(from: layout.writtenConfig(model)) == model)
    let other = try read("fla", config(600))
    guard case .attention(let last) = other.layers[3].mixer else { return }
    #expect(first.ropeTheta == 500 && last.ropeTheta == 600)
    #expect(try layout.configuration(from: layout.writtenConfig(other)) == other)
    #expect(
      model.disagreements(with: other).map { "\($0.fact) \($0.layer ?? -1)" }
        == ["attention.rope_theta 3"])
  }

  /// The sizes that OLMo-Hybrid's own configuration class fills in.
  @Test func olmoHybridFillsInWhatIsNull() throws {
    let text = """
      { "vocab_size": 320, "hidden_size": 90, "num_hidden_layers": 3, "intermediate_size": 96,
        "num_attention_heads": 5, "linear_num_key_heads": null, "layer_types": null,
        "rope_parameters": { "rope_theta": null } }
      """
    let model = try read("olmo_hybrid", text)
    #expect(model.layers.map(\.mixer.mark).joined() == "GGA")
    guard case .gatedDeltaNet(let gdn) = model.layers[0].mixer,
      case .attention(let attention) = model.layers[2].mixer
    else { return }
    #expect(gdn.keyHeads == 5 && gdn.valueHeads == 5 && gdn.keyDim == 13 && gdn.valueDim == 26)
    #expect(attention.kvHeads == 5 && attention.headDim == 18)
    let layout = try LayoutCatalogue.builtIn().layout("olmo_hybrid")
    let written = layout.writtenConfig(model)
    #expect(try layout.configuration(from: written) == model)
    #expect(written["head_dim"] == nil && written["linear_key_head_dim"] == 13)
  }

  /// lm-engine's own writer puts model_type there, its reader does without.
  @Test func aMissingModelTypeIsNoObstacleWhereTheLayoutSaysSo() throws {
    let names: Set = ["transformer.wte.weight", "transformer.ln_f.weight"]
    let catalogue = try LayoutCatalogue.builtIn()
    let found = catalogue.candidates(config: .object(JSONObject()), has: names.contains)
    #expect(found.map(\.id) == ["lm-engine"])
    let other: JSONValue = ["model_type": "gpt2"]
    #expect(catalogue.candidates(config: other, has: names.contains).isEmpty)
  }

  /// Old and new places of RoPE, and the trap of a null.
  @Test(arguments: [
    (#""rope_parameters": { "rope_theta": 7.0 }"#, "rope", 7.0), (#""rope_theta": 8"#, "rope", 8.0),
    (#""rope_parameters": { "rope_theta": null }"#, "none", 0),
    (#""rope_theta": null"#, "none", 0),
    (#""rope_parameters": null"#, "rope", 10_000),
  ])
  func olmoPositions(rope: String, position: String, theta: Double) throws {
    let model = try read(
      "olmo_hybrid",
      """
      { "vocab_size": 8, "hidden_size": 8, "num_hidden_layers": 4, "num_attention_heads": 2,
        "intermediate_size": 4, "linear_num_key_heads": 1, "linear_num_value_heads": 1,
        "linear_key_head_dim": 2, "linear_value_head_dim": 2, \(rope) }
      """)
    #expect(model.position.rawValue == position && model.ropeTheta == theta)
    #expect(model.layers.map(\.mixer.mark).joined() == "GGGA")
    #expect(model.layers.map(\.normPlacement) == [.pre, .pre, .pre, .post])
  }

  /// The flag outside the nested config decides.
  @Test(arguments: [true, false])
  func tiesOfMultimodalConfigs(tied: Bool) throws {
    let model = try read(
      "qwen3_5",
      """
      { "tie_word_embeddings": \(tied), "text_config": { "tie_word_embeddings": \(!tied),
        "vocab_size": 8, "hidden_size": 8, "num_hidden_layers": 4, "num_attention_heads": 2,
        "intermediate_size": 4, "linear_num_key_heads": 1, "linear_num_value_heads": 1,
        "linear_key_head_dim": 2, "linear_value_head_dim": 2, "head_dim": 8,
        "num_key_value_heads": 2 } }
      """)
    #expect(model.isTied == tied && model.ropeDim == 2 && model.ropeTheta == 10_000)
  }
}
