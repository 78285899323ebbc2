import Containers
import GraftTestSupport
import JSON
import Layouts
import Opening
import Testing

/// Every value of a config that decides something is understood or refused, never taken for a missing
/// one.
struct ConfigSweepTests {
  @Test(arguments: [
    "fla/hybrid", "huggingface/olmo_hybrid/bf16", "huggingface/qwen3_5/fp8-short-blocks",
    "huggingface/qwen3_5/multimodal-mixed", "huggingface/qwen3_5_moe/multimodal-fused-mixed",
    "huggingface/qwen3_next/bf16",
    "huggingface/kimi_linear/bf16", "huggingface/kimi_linear/resave-f32",
    "huggingface/bailing_hybrid/bf16", "huggingface/bailing_hybrid/resave-f32",
    "huggingface/qwen4_exp/released-f32", "huggingface/qwen4_exp/resave-bf16",
    "huggingface/lara_mini/bf16", "huggingface/lara_mini/biases-f32",
    "options/everything", "options/moe-routing", "gguf/qwen3next-f16.gguf", "gguf/qwen35-q8_0.gguf",
    "gguf/qwen35moe-bf16.gguf",
  ])
  func noValueIsIgnored(fixture: String) throws {
    let model = try OpenedModel(Fixtures.path(fixture), catalogue: .builtIn())
    let sweep = ConfigSweep(layout: model.layout, config: try #require(model.checkpoint.config))
    let found = sweep.run()
    #expect(found.deciding >= 10)
    // A number and a list that begins with it are the same token.
    #expect(found.ignored.filter { !$0.hasPrefix("eos_token_id") } == [])
  }

  /// Options that no fixture has, or only after a splice.
  @Test(arguments: [
    (
      "rope_parameters",
      """
      { "rope_type": "yarn", "factor": 4.0, "rope_theta": 5000.0, "partial_rotary_factor": 0.25,
        "original_max_position_embeddings": 64, "attention_factor": 1.2, "beta_fast": 30.0,
        "beta_slow": 2.0, "truncate": false, "mrope_section": [2, 1, 1] }
      """
    ),
    (
      "rope_parameters",
      """
      { "type": "yarn", "factor": 4.0, "rope_theta": 5000.0, "partial_rotary_factor": 0.25,
        "mscale": 0.7, "mscale_all_dim": 0.8, "mrope_section": [2, 1, 1] }
      """
    ),
    (
      "m2rnn",
      """
      { "layers": [0], "k_head_dim": 8, "v_head_dim": 4, "num_q_heads": 1, "num_k_heads": 1,
        "num_v_heads": 2, "num_f_heads": 2, "num_g_heads": 2, "num_weight_heads": 2,
        "use_residual": true, "kernel_size": 4, "activation_function": "silu", "add_bias": false,
        "normalization_function": "rmsnorm", "gradient_clipping": 1.0, "A_init_min": 0.0,
        "A_init_max": 16.0, "dt_init_min": 0.001, "dt_init_max": 0.1, "dt_init_floor": 0.0001 }
      """
    ),
  ])
  func noOptionIsIgnored(key: String, value: String) throws {
    let model = try OpenedModel(
      Fixtures.path("huggingface/qwen3_5/text-bf16"), catalogue: .builtIn())
    var config = try #require(model.checkpoint.config)
    config[key] = try JSONValue(parsing: Array(value.utf8))
    _ = try model.layout.configuration(from: config)
    let found = ConfigSweep(layout: model.layout, config: config).run()
    #expect(found.deciding >= 20)
    #expect(found.ignored == [])
  }

  /// What the configs of fixtures leave to defaults.
  @Test(arguments: [
    ("qwen3_next/bf16", "decoder_sparse_step", #""2""#),
    ("qwen3_next/bf16", "num_experts", #""x""#),
    ("qwen3_next/bf16", "num_experts", "null"), ("qwen3_next/bf16", "num_experts", "-1"),
    ("qwen3_next/bf16", "decoder_sparse_step", "null"),
    ("qwen3_next/bf16", "dtype", "7"),
    ("qwen3_next/bf16", "torch_dtype", "[]"), ("qwen3_next/bf16", "rope_scaling", "4"),
    ("qwen3_next/bf16", "rope_parameters", "[]"),
    ("qwen3_next/bf16", "partial_rotary_factor", "-1"),
    ("qwen3_5/text-bf16", "mtp_num_hidden_layers", #""1""#),
    ("qwen3_5/text-bf16", "mtp_num_hidden_layers", "-1"), ("qwen3_5/text-bf16", "text_config", "7"),
    ("olmo_hybrid/bf16", "head_dim", #""x""#), ("olmo_hybrid/bf16", "linear_key_head_dim", "[8]"),
  ])
  func absentKeysAreNotMisread(fixture: String, key: String, value: String) throws {
    let model = try OpenedModel(Fixtures.path("huggingface/" + fixture), catalogue: .builtIn())
    var config = try #require(model.checkpoint.config)
    config[key] = try JSONValue(parsing: Array(value.utf8))
    #expect(throws: (any Error).self) { try model.layout.configuration(from: config) }
  }
}
