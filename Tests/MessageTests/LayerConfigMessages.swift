import GraftTestSupport
import JSON

extension MessageSection {
  private static let vocabulary = #""vocab_size": 96"#
  private static let mixer = #""sequence_mixer_type": "gated_deltanet""#

  /// Configs that say of layers what cannot be, or of quantised weights.
  static let layerConfigs = MessageSection(
    "Layers and quantised weights in configs",
    [
      .init("a kind of layer nobody knows") {
        try $0.tiny(mixer, #""sequence_mixer_type": "hyena""#)
      },
      .init("another number of layers") { try $0.tiny(#""num_layers": 2"#, #""num_layers": 3"#) },
      .init("an absurd number of layers") {
        try $0.opened("huggingface/qwen3_next/bf16") { copy in
          try copy.editConfig { config in
            config["num_hidden_layers"] = 60_000
            config["layer_types"] = nil
          }
        }
      },
      .init("more layers than tensors") {
        try $0.opened("huggingface/qwen3_next/bf16") { copy in
          try copy.editConfig { config in
            config["num_hidden_layers"] = 3000
            config["layer_types"] = nil
          }
        }
      },
      .init("lists of layers that differ in length") {
        try $0.tiny { copy in
          try copy.editConfig { config in
            config["mlp_blocks"] = .array(Array((config["mlp_blocks"]?.array ?? []).dropLast()))
          }
        }
      },
      .init("a text in place of a list of layers") { shop in
        try shop.model("huggingface/qwen3_next/bf16") { copy in
          try copy.editConfig { $0["layer_types"] = "linear_attention" }
        }
        return try shop.graft("inspect", "model", "--from", "qwen3_next")
      },
      .init("a sparse step of zero") { shop in
        try shop.model("huggingface/qwen3_next/bf16") { copy in
          try copy.editConfig { $0["decoder_sparse_step"] = 0 }
        }
        return try shop.graft("inspect", "model", "--from", "qwen3_next")
      },
      .init("a sparse step that is a text") {
        try $0.edited("huggingface/qwen3_next/bf16") { $0["decoder_sparse_step"] = "2" }
      },
      .init("a layer that is not an object") {
        try $0.tiny(#""sequence_mixer_blocks": ["#, #""sequence_mixer_blocks": [3,"#)
      },
      .init("a list of layers that is missing") { try $0.tiny(#""mlp_blocks": "#, #""x": "#) },
      .init("two keys for the same rotation") { shop in
        try shop.model("huggingface/qwen3_next/bf16") { copy in
          try copy.editConfig { config in
            config["rope_scaling"] = ["rope_type": "linear", "factor": 2.0]
            config["rope_parameters"] = [
              "rope_type": "yarn", "factor": 4.0, "rope_theta": 5000.0,
              "partial_rotary_factor": 0.25,
            ]
          }
        }
        return try shop.graft("inspect", "model", "--from", "qwen3_next")
      },
      .init("a layer of a kind that the layout has not") { shop in
        try shop.model("huggingface/qwen3_next/bf16") { copy in
          try copy.editConfig { $0["layer_types"] = ["linear_attention", "sliding", 3] }
        }
        return try shop.graft("inspect", "model", "--from", "qwen3_next")
      },
      .init("a way of quantising that is not read") {
        try $0.edited("huggingface/qwen3_5/fp8-short-blocks") {
          $0["quantization_config"]?["quant_method"] = "gptq"
        }
      },
      .init("a quantisation of weights that are plain") {
        try $0.finding("huggingface/qwen3_5/text-bf16") {
          $0["quantization"] = ["group_size": 64, "bits": 4]
        }
      },
      .init("a scale beside a weight that is plain") {
        try $0.opened("huggingface/qwen3_5/text-bf16") { copy in
          try copy.editWeights {
            $0.tensors.append(.init("model.layers.0.mlp.gate_proj.weight_scale", [1], [1]))
          }
        }
      },
      .init("FP8 in a layout that has no scales") {
        try $0.tiny {
          try $0.retype("lm_head.weight", "F8_E4M3", bits: 8)
          try $0.editConfig { $0["quantization_config"] = ["quant_method": "fp8"] }
        }
      },
      .init("names of the text model beside the class around it") {
        try $0.finding(of: "huggingface/qwen3_5/multimodal-mixed") { copy in
          try copy.editWeights { file in
            file.tensors.removeAll { $0.name.contains("visual") }
            for index in file.tensors.indices {
              file.tensors[index].name.replace("model.language_model.", with: "model.")
            }
          }
        }
      },
      .init("two flags of a tied head") {
        try $0.finding("huggingface/qwen3_5/multimodal-mixed") {
          $0["text_config"]?["tie_word_embeddings"] = true
        }
      },
      .init("blocks of FP8 out of range") {
        try $0.quantised("[\n      128,\n", "[\n      0,\n", "fp8-short-blocks")
      },
      .init("a text in place of a list of modules") {
        try $0.edited("huggingface/qwen3_5/fp8-short-blocks") {
          $0["quantization_config"]?["modules_to_not_convert"] = "lm_head"
        }
      },
      .init("a number in place of a quantisation") {
        try $0.edited("huggingface/qwen3_5/fp8-short-blocks") { $0["quantization_config"] = 8 }
      },
      .init("a kind of FP8 that is not read") {
        try $0.quantised(#""activation_scheme": "dynamic""#, #""activation_scheme": "token""#)
      },
      .init("another type of FP8 than is stored") {
        try $0.quantised("\"e4m3\"", "\"e5m2\"", "fp8-short-blocks")
      },
      .init("other layers of multi-token prediction than are stored") {
        try $0.quantised(#""mtp_num_hidden_layers": 1"#, #""mtp_num_hidden_layers": 2"#)
      },
      .init("a weight that is said not to be quantised") {
        try $0.quantised(
          "\"lm_head\"", "\"lm_head\", \"model.layers.0.mlp\"", "fp8-short-blocks")
      },
      .init("a layer in two groups") {
        try $0.edited("fla/hybrid") { config in
          let group = config["attn"]?.array?.first ?? .null
          config["attn"] = [group, group]
        }
      },
      .init("a layer that cannot rotate") {
        try $0.edited("fla/hybrid") { config in
          var groups = config["attn"]?.array ?? []
          groups[1]["rope_theta"] = 0.0
          config["attn"] = .array(groups)
        }
      },
      .init("an M²RNN layer where the layers are of another kind") { shop in
        let source = "fixtures/huggingface/qwen3_5/text-bf16"
        try shop.run("splice", source, "made", "--layer", "0")
        let copy = try shop.copied("made")
        try copy.editConfig { $0["m2rnn"]?["layers"] = [2] }
        return try shop.opened(copy.path)
      },
      .init("a list that does not end with the layers of multi-token prediction") {
        let bools: [UInt8] = [9, 0, 0, 0, 7, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1]
        let key = Array("recurrent_layers".utf8) + bools
        return try $0.patched("gguf/qwen35moe-bf16.gguf", key + [0], key + [1])
      },
      .init("quantised embeddings") { shop in
        try shop.model("huggingface/qwen3_5/fp8-short-blocks") { copy in
          try copy.editConfig { $0["quantization_config"]?["modules_to_convert"] = ["embed"] }
        }
        return try shop.graft("inspect", "model", "--from", "qwen3_5")
      },
      .init("a count of layers of multi-token prediction that is not theirs") {
        try $0.edited("huggingface/qwen3_5/multimodal-mixed") {
          $0["text_config"]?["mtp_num_hidden_layers"] = 2
        }
      },
      .init("tensors of multi-token prediction that are said not to be there") {
        try $0.finding("huggingface/qwen3_5/multimodal-mixed") {
          $0["text_config"]?["mtp_num_hidden_layers"] = 0
        }
      },
      .init("tensors of multi-token prediction that are only said to be there") {
        try $0.finding("huggingface/qwen3_5/text-bf16") { $0["mtp_num_hidden_layers"] = 1 }
      },
      .init("tensors of images that are only said to be there") {
        try $0.finding(of: "huggingface/qwen3_5/multimodal-mixed") { copy in
          try copy.editWeights { file in
            file.tensors.removeAll { $0.name.hasPrefix("model.visual.") }
          }
        }
      },
    ])
}

extension Workshop {
  /// Changes the config of a model in FP8.
  fileprivate func quantised(
    _ old: String, _ new: String, _ fixture: String = "fp8-multimodal"
  ) throws -> Message {
    try model("huggingface/qwen3_5/\(fixture)") { try $0.replace(old, new) }
    return try graft("inspect", "model", "--from", "qwen3_5")
  }
}
