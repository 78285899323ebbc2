import GraftTestSupport

extension MessageSection {
  private static let dense = "huggingface/qwen3_5/text-bf16"

  /// What a repair refuses.
  static let repairs = MessageSection(
    "Repairs",
    [
      .init("damage that cannot be mended") { shop in
        try shop.model(dense) { checkpoint in
          try checkpoint.editWeights { file in
            let name = "model.layers.0.mlp.gate_proj.weight"
            guard var weight = file[name] else { return }
            weight.bytes.replaceSubrange(0..<2, with: [0xc0, 0x7f])
            file[name] = weight
          }
        }
        return try shop.graft("repair", "model", "out")
      },
      .init("a table that was cut") { shop in
        try shop.model("huggingface/qwen4_exp/released-f32") { checkpoint in
          try checkpoint.editWeights { file in
            let name = "model.layers.1.ple.ple_embedding.ngram_embedding.shard_3.weight"
            guard let shard = file[name] else { return }
            file[name] = .init(name, [20, 4], Array(shard.floats.prefix(80)))
          }
        }
        return try shop.graft("repair", "model", "out")
      },
      .init("an indexer without the size of its blocks") { shop in
        try shop.model("huggingface/qwen4_exp/released-f32") {
          try $0.editConfig { $0["indexer_compress_ratio"] = 0 }
        }
        return try shop.graft("repair", "model", "out")
      },
      .init("a fact that the files tell") {
        try $0.graft(
          "inspect", "fixtures/huggingface/kimi_linear/resave-f32", "--assume", "moe.groups=2")
      },
      .init("a fact that is no number") {
        try $0.graft("inspect", "fixtures/\(dense)", "--assume", "moe.groups=many")
      },
      .init("a fact that repair would have to write") {
        try $0.graft("repair", "fixtures/\(dense)", "out", "--assume", "moe.groups=2")
      },
      .init("heads that repair would have to move") {
        try $0.graft("repair", "fixtures/\(dense)", "out", "--assume", "value-heads=tiled")
      },
    ])
}
