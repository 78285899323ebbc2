import Diagnostics

/// The files that lie beside the weights of published checkpoints, by name.
public enum KnownFile {
  /// Tokenizers, templates, processors, settings of generation and of quantisation, cards and licences.
  private static let names: Set<String> = [
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "vocab.txt", "merges.txt", "tokenizer.model", "spiece.model", "qwen.tiktoken",
    "chat_template.jinja", "chat_template.json", "generation_config.json",
    "preprocessor_config.json", "processor_config.json", "image_processor_config.json",
    "video_preprocessor_config.json", "feature_extractor_config.json", "configuration.json",
    "hf_quant_config.json", "quantize_config.json", "quant_config.json", "README.md", "LICENSE",
    "LICENSE.txt", "LICENSE.md", "NOTICE", "NOTICE.txt", "USE_POLICY.md", ".gitattributes",
  ]

  /// Whether a file of that name is one of those.
  public static func isKnown(_ name: String) -> Bool { names.contains(name) }
}
