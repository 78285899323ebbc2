import GraftTestSupport
import JSON

extension MessageSection {
  private static let vocabulary = #""vocab_size": 96"#

  /// Configs that do not fit.
  static let configs = MessageSection(
    "Configs",
    [
      .init("no config") { try $0.tiny { try $0.remove("config.json") } },
      .init("an empty config") { try $0.tiny { try $0.write("config.json", []) } },
      .init("a list in place of a config") {
        try $0.tiny { try $0.write("config.json", "[]".utf8) }
      },
      .init("a key twice") { try $0.tiny(vocabulary, vocabulary + ", " + vocabulary) },
      .init("a comment") { try $0.tiny(vocabulary, vocabulary + " // 96") },
      .init("a kind of model nobody knows") { try $0.tiny(#""gpt_base""#, #""llama""#) },
      .init("a word that is not read") { try $0.tiny(#""rmsnorm""#, #""p_norm""#) },
      .init("a key that is missing") { try $0.tiny(vocabulary, #""x": 1"#) },
      .init("a number that is a text") { try $0.tiny(vocabulary, #""vocab_size": "96""#) },
      .init("a size out of range") { try $0.tiny(vocabulary, #""vocab_size": -1"#) },
      .init("heads that cannot be grouped") {
        try $0.tiny(#""num_k_heads": "#, #""num_k_heads": 3, "unused": "#)
      },
      .init("a truth value that is a number") {
        try $0.tiny(#""allow_neg_eigval": false"#, #""allow_neg_eigval": 1"#)
      },
      .init("a word that no activation has") { shop in
        let source = "fixtures/huggingface/qwen3_5/text-bf16"
        try shop.run("splice", source, "made", "--layer", "0")
        let copy = try shop.copied("made")
        try copy.editConfig { $0["m2rnn"]?["activation_function"] = "moonshine" }
        return try shop.opened(copy.path)
      },
      .init("a number in place of an object") {
        try $0.edited("huggingface/qwen3_5/text-bf16") { $0["rope_parameters"] = 5000 }
      },
      .init("a negative share of a head") {
        try $0.edited("huggingface/qwen3_next/bf16") { $0["partial_rotary_factor"] = -0.25 }
      },
      .init("attention that is not causal") {
        try $0.edited("huggingface/qwen3_next/bf16") { $0["is_causal"] = false }
      },
      .init("RoPE by kind of layer") {
        try $0.edited("huggingface/olmo_hybrid/bf16") {
          $0["rope_parameters"] = ["full_attention": ["rope_type": "default", "rope_theta": 5000]]
        }
      },
      .init("YaRN over an odd number of dims") {
        try $0.edited("huggingface/qwen3_next/bf16") {
          $0["rope_scaling"] = ["type": "yarn", "factor": 4.0]
          $0["partial_rotary_factor"] = 0.1
        }
      },
      .init("a negative eps") {
        try $0.edited("huggingface/qwen3_next/bf16") { $0["rms_norm_eps"] = -1e-6 }
      },
      .init("a base of rotation of zero") {
        try $0.edited("huggingface/qwen3_next/bf16") { $0["rope_theta"] = 0 }
      },
      .init("a spread of initial weights below zero") {
        try $0.edited("huggingface/qwen3_next/bf16") { $0["initializer_range"] = -0.02 }
      },
      .init("a larger vocabulary than the weights") {
        try $0.finding(of: "options/gdn-small") { try $0.replace(vocabulary, #""vocab_size": 97"#) }
      },
      .init("a vocabulary of quite another size") {
        try $0.tiny(vocabulary, #""vocab_size": 100000"#)
      },
      .init("the config of another model") {
        try $0.tiny { try $0.write("config.json", Fixtures.bytes("options/gdn-heads/config.json")) }
      },
      .init("a config that is too large") { shop in
        try shop.model("options/gdn-small") {
          try $0.write("config.json", [UInt8](repeating: 0x20, count: 17 << 20))
        }
        return try shop.graft("inspect", "model")
      },
      .init("a number from which no size follows") {
        try $0.edited("huggingface/olmo_hybrid/bf16") { config in
          config["head_dim"] = nil
          config["num_attention_heads"] = 0
        }
      },
      .init("a ratio out of range") {
        try $0.edited("fla/hybrid") { config in
          config["intermediate_size"] = nil
          config["hidden_ratio"] = 5000
        }
      },
      .init("a ratio that gives no whole number") {
        try $0.edited("fla/hybrid") { $0["expand_v"] = 1.01 }
      },
      .init("a negative size") {
        try $0.edited("huggingface/qwen4_exp/released-f32") { $0["hc_lowrank"] = -1 }
      },
      .init("a table of n-grams without rows") {
        try $0.edited("huggingface/qwen4_exp/released-f32") { $0["ngram_vocab_size_base"] = 0 }
      },
      .init("a table of n-grams with too many heads") {
        try $0.edited("huggingface/qwen4_exp/released-f32") { config in
          config["ngram_size"] = 16
          config["heads_per_ngram"] = 1000
          config["ple_embed_dim"] = 15000
          config["ngram_vocab_size_base"] = 20_000_000
        }
      },
      .init("a table of n-grams in pieces that do not divide it") {
        try $0.edited("huggingface/qwen4_exp/released-f32") { $0["split_ngram_parts"] = 7 }
      },
      .init("a width that its heads do not divide") {
        let key = Array("ssm.inner_size".utf8) + [4, 0, 0, 0]
        return try $0.patched("gguf/qwen35moe-bf16.gguf", key + [128], key + [129])
      },
      .init("a type that no tensor has") {
        try $0.finding("huggingface/qwen3_next/bf16") { config in
          config["torch_dtype"] = nil
          config["dtype"] = "float16"
        }
      },
    ])
}
