import GraftTestSupport

extension MessageSection {
  private static let dense = "huggingface/qwen3_5/text-bf16"
  private static let fused = "model.layers.0.linear_attn.in_proj_qkv.weight"

  /// An importance matrix of one weight, in the form from before GGUF.
  private static let importances: [UInt8] = {
    let name = "blk.0.ffn_up.weight"
    let numbers = [1, name.utf8.count, 1, 2].map { GGUFLiteral.number(Int32($0)) }
    let values = [Float(1), 2].flatMap { GGUFLiteral.number($0.bitPattern) }
    return numbers[0] + numbers[1] + Array(name.utf8) + numbers[2] + numbers[3] + values
  }()

  /// What layouts and types cannot hold.
  static let conversions = MessageSection(
    "Conversions",
    [
      .init("a layout that means another model") {
        try $0.graft("convert", "fixtures/lm-engine/gdn-hybrid", "out", "--to", "qwen3_5")
      },
      .init("a layout without a place for some tensors") {
        try $0.graft(
          "convert", "fixtures/huggingface/qwen3_5/multimodal-mixed", "out", "--to", "qwen3_next")
      },
      .init("an output that would be taken for another layout") { shop in
        try shop.model("huggingface/olmo_hybrid/bf16") { try $0.shortenConvolutions() }
        return try shop.graft(
          "convert", "model", "out", "--to", "mlx-olmo_hybrid", "--container", "npz")
      },
      .init("rotated dims that are no pairs") { shop in
        try shop.model("huggingface/qwen3_next/bf16") {
          try $0.editConfig { $0["partial_rotary_factor"] = 0.1 }
        }
        return try shop.graft("convert", "model", "out", "--to", "mlx-qwen3_next")
      },
      .init("sections that llama.cpp cannot count") { shop in
        try shop.model(dense) {
          try $0.editConfig { $0["rope_parameters"]?["mrope_section"] = [99, 0, 99] }
        }
        return try shop.graft("convert", "model", "out", "--to", "gguf-qwen35")
      },
      .init("a head that llama.cpp would make up") { shop in
        try shop.model(dense) {
          try $0.editConfig { $0["architectures"] = ["Qwen3_5TextModel"] }
          try $0.editWeights { $0["lm_head.weight"] = nil }
        }
        return try shop.graft("convert", "model", "out", "--to", "gguf-qwen35")
      },
      .init("a vocabulary of no size") {
        try $0.graft("convert", "fixtures/options/gdn-small", "out", "--vocabulary", "many")
      },
      .init("rows that may be used") {
        try $0.graft("convert", "fixtures/options/gdn-small", "out", "--vocabulary", "90")
      },
      .init("a token that would be cut off") { shop in
        try shop.model("options/gdn-small") { try $0.editConfig { $0["eos_token_id"] = 95 } }
        return try shop.graft("convert", "model", "out", "--vocabulary", "90")
      },
      .init("a vocabulary that stands in the weight file") {
        try $0.graft("convert", "fixtures/gguf/qwen35-q8_0.gguf", "out", "--vocabulary", "512")
      },
      .init("carried rows of tokens") { shop in
        try shop.model("huggingface/qwen3_5/multimodal-mixed") {
          try $0.editWeights {
            $0.tensors.append(
              .init("mtp.embed_tokens.weight", [320, 64], Array(repeating: 0, count: 320 * 64)))
          }
        }
        return try shop.graft("convert", "model", "out", "--vocabulary", "384")
      },
      .init("a cast that changes values") {
        try $0.graft("convert", "fixtures/options/gdn-small", "out", "--dtype", "f16")
      },
      .init("a type that the container has not") {
        try $0.graft(
          "convert", "fixtures/options/gdn-small", "out", "--dtype", "q8_0", "--allow", "lossy")
      },
      .init("a kind of quantised weights for another layout") {
        try $0.graft(
          "convert", "fixtures/huggingface/qwen3_5/text-bf16", "out", "--quantise", "q8_0")
      },
      .init("importances that are missing") {
        try $0.graft(
          "convert", "fixtures/huggingface/qwen3_5/text-bf16", "out", "--to", "gguf-qwen35",
          "--quantise", "q4_k_m", "--imatrix", "imatrix.gguf")
      },
      .init("importances in a file of something else") { shop in
        try shop.file("imatrix.dat", "[1, 2]".utf8)
        return try shop.graft(
          "convert", "fixtures/gguf/qwen3next-f16.gguf", "out", "--quantise", "q4_k_m", "--imatrix",
          "imatrix.dat")
      },
      .init("importances of another model") { shop in
        try shop.file("imatrix.dat", Self.importances)
        return try shop.graft(
          "convert", "fixtures/gguf/qwen3next-f16.gguf", "out", "--quantise", "q4_k_m", "--imatrix",
          "imatrix.dat")
      },
      .init("importances for a kind without use for them") { shop in
        try shop.file("imatrix.dat", Self.importances)
        return try shop.graft(
          "convert", "fixtures/gguf/qwen3next-f16.gguf", "out", "--quantise", "q8_0", "--imatrix",
          "imatrix.dat")
      },
      .init("importances without a kind") {
        try $0.graft(
          "convert", "fixtures/gguf/qwen3next-f16.gguf", "out", "--imatrix", "imatrix.dat")
      },
      .init("a way of packing without a kind") {
        try $0.graft(
          "convert", "fixtures/huggingface/qwen3_5/text-bf16", "out", "--to", "mlx-qwen3_5",
          "--dtype-for", "*.v_proj.weight=mlx-6bit")
      },
      .init("a way of packing for a weight that it cannot hold") {
        try $0.graft(
          "convert", "fixtures/huggingface/qwen3_5/text-bf16", "out", "--to", "mlx-qwen3_5",
          "--quantise", "mlx-4bit", "--dtype-for", "*.conv1d.weight=mlx-6bit")
      },
      .init("a way of packing of another library") {
        try $0.graft(
          "convert", "fixtures/huggingface/qwen3_5/text-bf16", "out", "--to", "gguf-qwen35",
          "--quantise", "q4_k_m", "--dtype-for", "output.weight=mlx-6bit")
      },
      .init("a file of rules with a line that is none") { shop in
        try shop.file("rules.txt", "output.weight=q8_0\n\n# the rest\n*.weight q4_k\n".utf8)
        return try shop.graft(
          "convert", "fixtures/gguf/qwen3next-f16.gguf", "out", "--quantise", "q4_k_m",
          "--dtype-rules", "rules.txt")
      },
      .init("a weight with a value that is no number") { shop in
        try shop.model(dense) {
          try $0.editWeights { $0["lm_head.weight"]?.floats[5] = .nan }
        }
        return try shop.graft(
          "convert", "model", "out", "--to", "mlx-qwen3_5", "--quantise", "mlx-4bit")
      },
      .init("a value that blocks cannot hold") { shop in
        try shop.model(dense) {
          try $0.editWeights { $0["lm_head.weight"]?.floats[5] = 1e30 }
        }
        return try shop.graft(
          "convert", "model", "out", "--to", "gguf-qwen35", "--quantise", "q8_0")
      },
      .init("a type beside a kind of quantised weights") {
        try $0.graft(
          "convert", "fixtures/huggingface/qwen3_5/text-bf16", "out", "--quantise", "q8_0",
          "--dtype", "f32")
      },
      .init("a size of groups that a kind does not have") {
        try $0.graft(
          "convert", "fixtures/huggingface/qwen3_5/text-bf16", "out", "--to", "mlx-qwen3_5",
          "--quantise", "mlx-nvfp4", "--group-size", "64")
      },
      .init("a size of groups without a kind") {
        try $0.graft(
          "convert", "fixtures/huggingface/qwen3_5/text-bf16", "out", "--group-size", "64")
      },
      .init("weights that are quantised already") {
        try $0.graft("convert", "fixtures/gguf/qwen35-q8_0.gguf", "out", "--quantize", "Q8_0")
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
      .init("several layers of n-grams where there is one table") {
        try $0.graft(
          "convert", "fixtures/huggingface/qwen4_exp/resave-bf16", "out", "--to", "gguf-qwen4exp")
      },
      .init("a size of blocks that does not fit") { shop in
        try shop.model("huggingface/qwen4_exp/released-f32") {
          try $0.editConfig { $0["indexer_compress_ratio"] = 0 }
        }
        return try shop.graft("convert", "model", "out", "--assume", "index-block=5")
      },
      .init("hashes of another seed") { shop in
        try shop.model("huggingface/qwen4_exp/released-f32") {
          try $0.editConfig { $0["seed"] = 99 }
        }
        return try shop.graft("convert", "model", "out")
      },
      .init("an assumption that no value shows") {
        try $0.graft(
          "convert", "fixtures/huggingface/qwen3_5/text-bf16", "out", "--assume", "norm-offset=1")
      },
      .init("parts of one tensor in two types") { shop in
        try shop.model(dense) { try $0.retype(fused, "BOOL", bits: 8) }
        return try shop.graft("convert", "model", "out", "--to", "qwen3_next")
      },
      .init("values that are not computed with") { shop in
        try shop.model(dense) {
          try $0.retype("model.layers.0.input_layernorm.weight", "BOOL", bits: 8)
        }
        return try shop.graft("convert", "model", "out", "--to", "mlx-qwen3_5")
      },
      .init("a value that metadata cannot hold") { shop in
        try shop.model(dense) {
          try $0.editConfig { $0["max_position_embeddings"] = 5_000_000_000 }
        }
        return try shop.graft("convert", "model", "out", "--to", "gguf-qwen35")
      },
    ])
}
