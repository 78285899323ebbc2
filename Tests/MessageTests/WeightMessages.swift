import GraftTestSupport
import JSON

extension MessageSection {
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
            file.tensors.removeAll {
              $0.name == "model.language_model.layers.0.mlp.gate_proj.weight_scale_inv"
            }
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
            let count = tensor.shape.reduce(1, *)
            file["lm_head.weight"] = .init(
              tensor.name, "BOOL", tensor.shape, Array(repeating: 0, count: count))
          }
        }
        return try shop.graft("verify", "model", "--reference", "model/reference.safetensors")
      },
      .init("pieces of a tensor in two types") {
        try $0.opened("huggingface/olmo_hybrid/resave-f32") { copy in
          try copy.retype("model.layers.0.linear_attn.k_conv1d.weight", "BOOL", bits: 8)
        }
      },
      .init("scales of a type that scales have not") { shop in
        try shop.model("huggingface/qwen3_5/fp8-short-blocks") { copy in
          let name = "model.layers.0.linear_attn.in_proj_qkv.weight_scale_inv"
          try copy.retype(name, "I32", bits: 32)
        }
        return try shop.graft("inspect", "model", "--from", "qwen3_5")
      },
      .init("scales of other blocks") { shop in
        try shop.model("huggingface/qwen3_5/fp8-short-blocks") { copy in
          try copy.editWeights { file in
            let name = "model.layers.0.linear_attn.in_proj_qkv.weight_scale_inv"
            file[name]?.shape.insert(1, at: 0)
          }
        }
        return try shop.graft("inspect", "model", "--from", "qwen3_5")
      },
      .init("a head that is missing while two flags contradict each other") {
        try $0.opened("huggingface/qwen3_5/multimodal-mixed") { copy in
          try copy.editConfig { config in
            var inner = config["text_config"]?.object ?? JSONObject()
            inner["tie_word_embeddings"] = true
            config["text_config"] = .object(inner)
            config["tie_word_embeddings"] = false
          }
          try copy.editWeights { $0["lm_head.weight"] = nil }
        }
      },
      .init("a base model of a layout that has none") {
        try $0.opened("options/gdn-small") { copy in
          try copy.editWeights { file in
            file["lm_head.weight"] = nil
            for index in file.tensors.indices {
              file.tensors[index].name.removeFirst("transformer.".count)
            }
          }
        }
      },
      .init("a vocabulary with more rows than the config says") {
        try $0.finding(of: "options/gdn-small") { copy in
          try copy.editWeights { file in
            for name in ["transformer.wte.weight", "lm_head.weight"] {
              guard var tensor = file[name] else { continue }
              let row = tensor.bytes.count / tensor.shape[0]
              tensor.bytes += [UInt8](repeating: 0, count: 32 * row)
              tensor.shape[0] += 32
              file[name] = tensor
            }
          }
        }
      },
      .init("a model without delta-rule layers") {
        try $0.opened("options/gdn-small") { copy in
          try copy.editConfig { $0["model_type"] = "llama" }
          try copy.editWeights {
            $0.tensors = [.init("model.layers.0.self_attn.q_proj.weight", [1], [1])]
          }
        }
      },
      .init("a model of another kind that its config calls alike") {
        try $0.opened("huggingface/bailing_hybrid/bf16") { copy in
          try copy.editWeights {
            $0.tensors.append(
              .init("model.layers.0.attention.query_key_value.weight", [1], [1]))
          }
        }
      },
      .init("a config with another name for the model") {
        try $0.opened("huggingface/qwen3_5/text-bf16") { copy in
          try copy.editConfig { $0["model_type"] = "my_qwen" }
        }
      },
      .init("a config and tensors under names that no layout has") {
        try $0.opened("huggingface/qwen3_5/text-bf16") { copy in
          try copy.editConfig { $0["model_type"] = "my_qwen" }
          try copy.editWeights { $0.tensors[0].name = "something" }
        }
      },
      .init("the tensors of two forms") {
        try $0.opened("huggingface/olmo_hybrid/bf16") { copy in
          try copy.editWeights { file in
            let parts = file.tensors.filter {
              $0.name.hasPrefix("model.layers.0.") && $0.name.hasSuffix("_conv1d.weight")
            }
            let rows = parts.reduce(0) { $0 + $1.shape[0] }
            file.tensors += [0, 1, 2, 4].map { layer in
              .init(
                "model.layers.\(layer).linear_attn.conv1d.weight", parts[0].type,
                [rows] + parts[0].shape.dropFirst(), parts.flatMap(\.bytes))
            }
          }
        }
      },
      .init("a vision tower whose axes are in another order") { shop in
        try shop.run(
          "convert", "fixtures/huggingface/qwen3_5/multimodal-mixed", "out", "--to", "mlx-qwen3_5",
          "--mtp", "drop")
        try shop.copied("out").editWeights { file in
          file["vision_tower.patch_embed.proj.weight"]?.shape = [16, 3, 2, 4, 4]
        }
        return try shop.graft("inspect", "model")
      },
      .init("a checkpoint that two layouts fit") {
        try $0.opened("huggingface/olmo_hybrid/bf16") { copy in
          try copy.editConfig {
            $0["linear_conv_kernel_dim"] = 1
            $0["layer_norm_epsilon"] = 0.25
          }
          try copy.editWeights { file in
            file.metadata = nil
            for tensor in file.tensors where tensor.name.hasSuffix("conv1d.weight") {
              let rows = tensor.shape[0]
              file[tensor.name] = .init(
                tensor.name, tensor.type, [rows, 1, 1], Array(tensor.bytes.prefix(rows * 2)))
            }
          }
        }
      },
    ])
}
