import GraftTestSupport
import JSON

extension MessageSection {
  private static let original = "fixtures/huggingface/qwen3_5/multimodal-mixed"
  private static let text = "fixtures/huggingface/qwen3_5/text-bf16"

  /// What is refused of parts that do not belong together.
  static let compositions = MessageSection(
    "Compositions",
    [
      .init("a part nobody knows") {
        try $0.graft("compose", text, original, "out", "--take", "tokenizer")
      },
      .init("two checkpoints of which neither lacks anything") {
        try $0.graft("compose", text, text, "out")
      },
      .init("another hidden size, vocabulary and number of layers") {
        try $0.graft("compose", "fixtures/options/gdn-small", original, "out")
      },
      .init("a copy of another vocabulary") { shop in
        try shop.run("convert", text, "short", "--vocabulary", "400")
        return try shop.graft("compose", "short", original, "out")
      },
      .init("a copy that computes something else") { shop in
        try shop.model("huggingface/qwen3_5/text-bf16") {
          try $0.editConfig { $0["rms_norm_eps"] = 1e-5 }
        }
        return try shop.graft("compose", "model", original, "out")
      },
      .init("two vision towers") { shop in
        try shop.run("convert", original, "whole", "--mtp", "drop")
        let copy = try shop.copied("whole")
        try copy.editWeights { $0["model.visual.merger.norm.weight"]?.bytes[1] ^= 0x80 }
        return try shop.graft("compose", "model", original, "out")
      },
      .init("a copy with parts under names of its own") { shop in
        try shop.run("convert", original, "base", "--to", "gguf-qwen35", "--allow", "vision")
        return try shop.graft("compose", "base", original, "out")
      },
      .init("a packed copy") { shop in
        try shop.run("convert", text, "packed", "--to", "mlx-qwen3_5", "--quantise", "mlx-4bit")
        return try shop.graft("compose", "packed", original, "out")
      },
      .init("a part that both have, of another shape") { shop in
        try shop.run("convert", original, "whole", "--mtp", "drop")
        let copy = try shop.copied("whole")
        try copy.editWeights { file in
          file["model.visual.merger.norm.weight"]?.shape = [8]
          file["model.visual.merger.norm.weight"]?.bytes.removeLast(16)
        }
        return try shop.graft("compose", "model", original, "out", "--take", "mtp")
      },
    ])
}
