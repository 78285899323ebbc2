import Foundation
import GraftTestSupport
import SystemPackage

extension MessageSection {
  private static let module = "base_model.model.model.layers.0.mlp.down_proj"
  private static let plain = #"{"peft_type": "LORA", "r": 2, "lora_alpha": 4}"#

  private static func factors(
    _ module: String = module, rank: Int = 2, columns: Int = 96, rows: Int = 64, value: Float = 0.5
  ) -> [PlainCheckpointFile.Tensor] {
    [
      .init(
        module + ".lora_A.weight", [rank, columns], Array(repeating: value, count: rank * columns)),
      .init(module + ".lora_B.weight", [rows, rank], Array(repeating: 0.5, count: rank * rows)),
    ]
  }

  private static var embedding: PlainCheckpointFile.Tensor {
    .init(
      "base_model.model.model.embed_tokens.weight", [2, 64], Array(repeating: 1, count: 128))
  }

  /// What is refused of adapters.
  static let adapters = MessageSection(
    "Adapters",
    [
      .init("no such adapter") { try $0.merged("adapter") },
      .init("a scale that is no number") { try $0.merged("fixtures/adapters/linear=half") },
      .init("a directory without an adapter") { try $0.merged("fixtures/tokenizers") },
      .init("an adapter without its settings") { try $0.merging(nil, factors()) },
      .init("settings that are no object") { try $0.merging("[]", factors()) },
      .init("settings of no kind of adapter") { try $0.merging(#"{"r": 2}"#, factors()) },
      .init("another kind of adapter") { try $0.merging(#"{"peft_type": "LOHA"}"#, factors()) },
      .init("an alpha that is no number") {
        try $0.merging(#"{"peft_type": "LORA", "lora_alpha": NaN}"#, factors())
      },
      .init("a huge rank") {
        try $0.merging(#"{"peft_type": "LORA", "r": 1000000000000}"#, factors())
      },
      .init("a first step that changed the base") {
        try $0.merging(#"{"peft_type": "LORA", "init_lora_weights": "pissa"}"#, factors())
      },
      .init("a kind of LoRA that is not merged") {
        try $0.merging(#"{"peft_type": "LORA", "use_qalora": true}"#, factors())
      },
      .init("a pattern that is not understood") {
        try $0.merging(#"{"peft_type": "LORA", "alpha_pattern": {"(?=q)q_proj": 3}}"#, factors())
      },
      .init("another rank than the settings say") {
        try $0.merging(#"{"peft_type": "LORA", "r": 4}"#, factors())
      },
      .init("an adapter of another base, by its names") {
        try $0.merging(plain, factors("base_model.model.model.layers.7.mlp.down_proj"))
      },
      .init("an adapter of another base, by its shapes") {
        try $0.merging(plain, factors(columns: 128))
      },
      .init("a factor without the other") { try $0.merging(plain, Array(factors().prefix(1))) },
      .init("a value that is no number") { try $0.merging(plain, factors(value: .nan)) },
      .init("a type that no adapter has") {
        try $0.merging(plain, [.init(module + ".lora_A.weight", [1], ids: [1])])
      },
      .init("a tensor of another kind of adapter") {
        try $0.merging(plain, [.init(module + ".hada_w1_a", [1], [1])])
      },
      .init("whole tensors of another shape") {
        try $0.merging(plain, [.init("base_model.model.model.norm.weight", [1], [1])])
      },
      .init("another vocabulary in the embedding alone") {
        try $0.merging(plain, [embedding])
      },
      .init("another vocabulary for a file that lists its tokens") { shop in
        try shop.run(
          "convert", "fixtures/huggingface/qwen3_5/text-bf16", "base", "--to", "gguf-qwen35")
        return try shop.merging(
          plain,
          [
            embedding,
            .init("base_model.model.lm_head.weight", [2, 64], Array(repeating: 1, count: 128)),
          ], into: "base")
      },
      .init("a head of its own for a tied base") {
        try $0.merging(
          plain,
          [.init("base_model.model.lm_head.weight", [96, 32], Array(repeating: 1, count: 3072))],
          into: "fixtures/huggingface/lara_mini/bf16")
      },
      .init("norms without factors") {
        try $0.merging(plain, [.init(module + ".lora_magnitude_vector", [1], [1])])
      },
      .init("DoRA without norms") {
        try $0.merging(#"{"peft_type": "LORA", "r": 2, "use_dora": true}"#, factors())
      },
      .init("DoRA of GGUF or MLX") { shop in
        try shop.run(
          "convert", "fixtures/huggingface/qwen3_5/text-bf16", "base", "--to", "mlx-qwen3_5")
        let module = "language_model.model.layers.0.mlp.down_proj"
        return try shop.merging(
          #"{"fine_tune_type": "dora", "lora_parameters": {"rank": 1, "scale": 2}}"#,
          [
            .init(module + ".lora_a", [96, 1], Array(repeating: 1, count: 96)),
            .init(module + ".lora_b", [1, 64], Array(repeating: 1, count: 64)),
            .init(module + ".m", [64], Array(repeating: 1, count: 64)),
          ], into: "base")
      },
      .init("norms that the settings do not say") {
        try $0.merging(
          plain,
          factors() + [
            .init(module + ".lora_magnitude_vector", [64], Array(repeating: 1, count: 64))
          ])
      },
      .init("a convolution") {
        let module = "base_model.model.model.layers.0.linear_attn.conv1d"
        return try $0.merging(
          plain,
          [
            .init(module + ".lora_A.weight", [1, 2, 2], [1, 1, 1, 1]),
            .init(module + ".lora_B.weight", [2, 1, 1], [1, 1]),
          ])
      },
      .init("whole modules that are not there") {
        try $0.merging(#"{"peft_type": "LORA", "r": 2, "modules_to_save": ["norm"]}"#, factors())
      },
      .init("an embedding apart from its tied head") {
        try $0.merging(
          #"{"peft_type": "LORA", "modules_to_save": ["embed_tokens"]}"#,
          [
            .init(
              "base_model.model.model.embed_tokens.weight", [96, 32],
              Array(repeating: 1, count: 3072))
          ],
          into: "fixtures/huggingface/lara_mini/bf16")
      },
      .init("DoRA after another adapter") {
        try $0.merged("fixtures/adapters/linear", "--adapter", "fixtures/adapters/norms")
      },
      .init("a change of a bias that is not there") {
        try $0.merging(
          plain, factors() + [.init(module + ".lora_B.bias", [64], Array(repeating: 1, count: 64))])
      },
      .init("two changes of the same rows") {
        try $0.merging(plain, factors() + factors(module + ".base_layer"))
      },
      .init("an adapter and packed weights") { shop in
        try shop.run(
          "convert", "fixtures/huggingface/qwen3_5/text-bf16", "base", "--quantise", "mlx-4bit",
          "--to", "mlx-qwen3_5")
        return try shop.graft("convert", "base", "out", "--adapter", "fixtures/adapters/linear")
      },
      .init("a GGUF file that is no adapter") {
        try $0.merged("fixtures/gguf/qwen35-q8_0.gguf")
      },
      .init("a GGUF adapter without its alpha") { shop in
        var file = GGUFLiteral()
        file.values = [GGUFLiteral.value("general.type", 8, GGUFLiteral.text("adapter"))]
        try shop.file("adapter.gguf", file.bytes)
        return try shop.merged("adapter.gguf")
      },
    ])
}

extension Workshop {
  /// Merges an adapter into a fixture.
  fileprivate func merged(_ adapter: String, _ others: String...) throws -> Message {
    try run(
      ["convert", "fixtures/huggingface/qwen3_5/text-bf16", "out", "--adapter", adapter] + others)
  }

  /// Merges an adapter of these settings and tensors.
  fileprivate func merging(
    _ settings: String?, _ tensors: [PlainCheckpointFile.Tensor],
    into base: String = "fixtures/huggingface/qwen3_5/text-bf16"
  ) throws -> Message {
    try FileManager.default.createDirectory(
      atPath: folder.path.appending("adapter").string, withIntermediateDirectories: true)
    if let settings { try file("adapter/adapter_config.json", settings.utf8) }
    try file("adapter/adapter_model.safetensors", PlainCheckpointFile(tensors).bytes)
    return try run(["convert", base, "out", "--adapter", "adapter"])
  }
}
