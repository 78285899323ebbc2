import Containers
import GraftTestSupport
import JSON

extension MessageSection {
  private static let vocabulary = #""vocab_size": 96"#
  private static let mixer = #""sequence_mixer_type": "gated_deltanet""#

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
      .init("a kind of layer nobody knows") {
        try $0.tiny(mixer, #""sequence_mixer_type": "hyena""#)
      },
      .init("a word that is not read") { try $0.tiny(#""rmsnorm""#, #""p_norm""#) },
      .init("a key that is missing") { try $0.tiny(vocabulary, #""x": 1"#) },
      .init("a number that is a text") { try $0.tiny(vocabulary, #""vocab_size": "96""#) },
      .init("a size out of range") { try $0.tiny(vocabulary, #""vocab_size": -1"#) },
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
      .init("heads that cannot be grouped") {
        try $0.tiny(#""num_k_heads": "#, #""num_k_heads": 3, "unused": "#)
      },
      .init("a truth value that is a number") {
        try $0.tiny(#""allow_neg_eigval": false"#, #""allow_neg_eigval": 1"#)
      },
      .init("a layer that is not an object") {
        try $0.tiny(#""sequence_mixer_blocks": ["#, #""sequence_mixer_blocks": [3,"#)
      },
      .init("a list of layers that is missing") { try $0.tiny(#""mlp_blocks": "#, #""x": "#) },
      .init("a larger vocabulary than the weights") {
        try $0.tiny(vocabulary, #""vocab_size": 97"#)
      },
      .init("the config of another model") {
        try $0.tiny { try $0.write("config.json", Fixtures.bytes("options/gdn-heads/config.json")) }
      },
      .init("a way of quantising that is not read") {
        try $0.tiny(vocabulary, vocabulary + #", "quantization_config": {"quant_method": "gptq"}"#)
      },
      .init("blocks of FP8 out of range") {
        try $0.quantised("[\n      128,\n", "[\n      0,\n", "fp8-short-blocks")
      },
      .init("a kind of FP8 that is not read") {
        try $0.quantised(#""activation_scheme": "dynamic""#, #""activation_scheme": "static""#)
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
      .init("a config that is too large") { shop in
        try shop.model("options/gdn-small") {
          try $0.write("config.json", [UInt8](repeating: 0x20, count: 17 << 20))
        }
        return try shop.graft("inspect", "model")
      },
    ])

  /// Weights that do not fit their config, or that cannot be meant.
  static let weights = MessageSection(
    "Weights and config",
    [
      .init("a tensor that is missing") {
        try $0.tiny { try $0.editWeights { $0["transformer.ln_f.weight"] = nil } }
      },
      .init("a tensor under another name") { shop in
        try shop.model("options/gdn-small") { copy in
          try copy.editWeights { file in
            guard let tensor = file["transformer.ln_f.weight"] else { return }
            file["transformer.ln_f.weight"] = nil
            file.tensors.append(
              .init("transformer.ln_f.wieght", tensor.type, tensor.shape, tensor.bytes))
          }
        }
        return try shop.graft("inspect", "model", "--from", "lm-engine")
      },
      .init("tensors that nobody asked for") {
        try $0.tiny { try $0.editWeights { $0.tensors.append(.init("extra", [1], [1])) } }
      },
      .init("a tensor of another shape") {
        try $0.tiny {
          try $0.editWeights { file in
            let shape = file["lm_head.weight"]?.shape ?? []
            file["lm_head.weight"]?.shape = shape.reversed()
          }
        }
      },
      .init("norms that were shifted twice") { shop in
        try shop.model("huggingface/qwen3_5/text-bf16") { copy in
          try copy.editWeights { file in
            for tensor in file.tensors where tensor.name.hasSuffix("layernorm.weight") {
              file[tensor.name] = .init(
                tensor.name, tensor.shape, .init(repeating: 2, count: tensor.shape[0]))
            }
            file["model.norm.weight"] = .init(
              "model.norm.weight", file["model.norm.weight"]?.shape ?? [],
              .init(repeating: 2, count: file["model.norm.weight"]?.shape[0] ?? 0))
          }
        }
        return try shop.graft("convert", "model", "out", "--to", "mlx-qwen3_5")
      },
      .init("a tied head that differs") { shop in
        try shop.model("options/tied") { copy in
          try copy.editWeights { file in
            guard let tensor = file["transformer.wte.weight"] else { return }
            var bytes = tensor.bytes
            bytes[0] ^= 1
            file.tensors.append(.init("lm_head.weight", tensor.type, tensor.shape, bytes))
          }
        }
        return try shop.graft("convert", "model", "out")
      },
      .init("scales that are not there") { shop in
        try shop.model("huggingface/qwen3_5/fp8-multimodal") { copy in
          try copy.editWeights { file in
            file.tensors.removeAll { $0.name.hasSuffix("layers.0.mlp.gate_proj.weight_scale_inv") }
          }
        }
        return try shop.graft("inspect", "model", "--from", "qwen3_5")
      },
      .init("a mixer that is carried and not computed") { shop in
        try shop.model("options/gdn-heads") { copy in
          let prefix = "transformer.h.1.sequence_mixer."
          try copy.editConfig { config in
            var blocks = config["sequence_mixer_blocks"]?.array ?? []
            blocks[1] = ["sequence_mixer_type": "mamba2", "state_size": 5, "add_bias": false]
            config["sequence_mixer_blocks"] = .array(blocks)
          }
          try copy.editWeights { file in
            file.tensors.removeAll { $0.name.hasPrefix(prefix) }
            file.tensors.append(.init(prefix + "in_proj.weight", [3, 2], [1, 2, 3, 4, 5, 6]))
          }
        }
        return try shop.graft("verify", "model", "--reference", "model/reference.safetensors")
      },
      .init("a type that cannot be computed with") { shop in
        try shop.model("options/gdn-small") { copy in
          try copy.editWeights { file in
            guard let tensor = file["lm_head.weight"] else { return }
            file["lm_head.weight"] = .init(
              tensor.name, "I16", tensor.shape, Array(tensor.bytes.prefix(tensor.bytes.count / 2)))
          }
        }
        return try shop.graft("verify", "model", "--reference", "model/reference.safetensors")
      },
    ])

  /// Conversions and what they write.
  static let conversions = MessageSection(
    "Conversions and outputs",
    [
      .init("a layout that means another model") {
        try $0.graft("convert", "fixtures/lm-engine/gdn-hybrid", "out", "--to", "qwen3_5")
      },
      .init("a layout without a place for some tensors") {
        try $0.graft(
          "convert", "fixtures/huggingface/qwen3_5/multimodal-mixed", "out", "--to", "qwen3_next")
      },
      .init("a cast that changes values") {
        try $0.graft("convert", "fixtures/options/gdn-small", "out", "--dtype", "f16")
      },
      .init("a type that the container has not") {
        try $0.graft(
          "convert", "fixtures/options/gdn-small", "out", "--dtype", "q8_0", "--allow", "lossy")
      },
      .init("quantised weights that cannot move with their scales") {
        try $0.graft(
          "convert", "fixtures/huggingface/qwen3_5/fp8-short-blocks", "out", "--to", "qwen3_next")
      },
      .init("a layout without words for a fact") {
        try $0.graft("convert", "fixtures/lm-engine/m2rnn-1l", "out", "--to", "fla")
      },
      .init("a layout that readers would misread") {
        try $0.graft(
          "convert", "fixtures/huggingface/qwen3_5/text-bf16", "out", "--to", "gguf-qwen35moe")
      },
      .init("a second process with the same output") { shop in
        let path = shop.folder.path.appending("out")
        let first = try OutputDirectory(at: path, overwrite: false, inputs: [], use: .alone)
        defer { first.abort() }
        return try shop.thrown {
          try OutputDirectory(at: path, overwrite: false, inputs: [], use: .alone)
        }
      },
      .init("an output in which the source lies") { shop in
        try shop.model("options/gdn-small")
        return try shop.shell(
          "mkdir around; mv model around/model; graft convert around/model around --overwrite")
      },
      .init("a model that is only inspected") {
        try $0.graft("convert", "fixtures/inspect/kimi_linear", "out")
      },
      .init("a mixer that is not computed") { shop in
        try shop.file("t.json", "[1, 2]".utf8)
        return try shop.graft("score", "fixtures/inspect/kimi_linear", "--tokens", "t.json")
      },
      .init("an output that exists") { shop in
        try shop.file("out", [])
        return try shop.graft("convert", "fixtures/options/gdn-small", "out")
      },
      .init("something else in place of the output") { shop in
        try shop.file("out", [])
        return try shop.graft("convert", "fixtures/options/gdn-small", "out", "--overwrite")
      },
      .init("a directory for the output that is not there") {
        try $0.graft("convert", "fixtures/options/gdn-small", "nowhere/out")
      },
      .init("no name for the output") {
        try $0.graft("convert", "fixtures/options/gdn-small", "..")
      },
      .init("an output that would remove its input") { shop in
        try shop.model("options/gdn-small")
        return try shop.graft("convert", "model", ".", "--overwrite")
      },
      .init("directories in the output") { shop in
        try shop.model("options/gdn-small")
        return try shop.shell(
          "mkdir -p out/mine && graft convert model out --overwrite")
      },
      .init("finishing what was not begun") {
        try $0.graft("convert", "fixtures/options/gdn-small", "out", "--finish")
      },
      .init("finishing without all parts") {
        try $0.shell(
          """
          graft convert fixtures/options/gdn-small out --max-shard-size 20KB --part 1/2 -q
          graft convert fixtures/options/gdn-small out --max-shard-size 20KB --finish
          """)
      },
      .init("parts with other options") {
        try $0.shell(
          """
          graft convert fixtures/options/gdn-small out --max-shard-size 20KB --part 1/2 -q
          graft convert fixtures/options/gdn-small out --max-shard-size 30KB --part 2/2
          """)
      },
      .init("a part that was changed") {
        try $0.shell(
          """
          graft convert fixtures/options/gdn-small out --max-shard-size 20KB --part 1/1 -q
          for file in out.graft-partial/out/model-00001-*; do : > "$file"; done
          graft convert fixtures/options/gdn-small out --max-shard-size 20KB --finish
          """)
      },
      .init("a part in which a file was not finished") {
        try $0.shell(
          """
          graft convert fixtures/options/gdn-small out --max-shard-size 20KB --part 1/1 -q -j 1
          sed -i '$d' out.graft-partial/journal-1-of-1.jsonl
          graft convert fixtures/options/gdn-small out --max-shard-size 20KB --finish
          """)
      },
      .init("something else under the name of the unfinished output") {
        try $0.shell(": > out.graft-partial; graft convert fixtures/options/gdn-small out")
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

  fileprivate func tiny(_ change: (EditableCheckpoint) throws -> Void) throws -> Message {
    try opened("options/gdn-small", change)
  }

  fileprivate func tiny(_ old: String, _ new: String) throws -> Message {
    try tiny { try $0.replace(old, new) }
  }
}
