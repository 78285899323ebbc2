/// Files that lie beside weights, by their names, in which case does not count.
///
/// Readers that decide what travels, and writers that recognise a checkpoint, share these lists.
public enum KnownFiles {
  /// Settings and tokenizers of libraries that load checkpoints, and what people write about models.
  static let settings: Set<String> = [
    "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "vocab.json", "vocab.txt", "merges.txt", "chat_template.json",
    "chat_template.jinja", "preprocessor_config.json", "processor_config.json",
    "image_processor_config.json", "video_preprocessor_config.json",
    "feature_extractor_config.json", "configuration.json", "hf_quant_config.json",
    "quantize_config.json", "quant_config.json", "readme.md", "license", "license.txt",
    "license.md", "notice", "notice.txt", "use_policy.md", ".gitattributes",
  ]
  /// Tokenizers that are no text.
  static let tokenizers: Set<String> = [
    "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "tekken.model", "qwen.tiktoken",
    "tiktoken.model",
  ]
  /// Text that continues a training run, and nothing else.
  private static let runs: Set<String> = [
    "trainer_state.json", "latest", "latest_checkpointed_iteration.txt",
  ]
  /// How names of the state of training begin.
  private static let training = [
    "optimizer", "optim_", "optim-", "optim.", "scheduler", "lr_scheduler", "rng_state",
    "random_states", "scaler", "grad_scaler", "training_args", "trainer_state", "training_state",
    "train_state", "extra_state", "global_step", "zero_", "bf16_zero", "mp_rank_", "dataloader",
    "events.out.",
  ]
  /// The extensions of files that an interpreter or the system runs or loads.
  private static let programs = [
    "py", "pyw", "pyi", "pyx", "pyc", "pyo", "pyd", "so", "dylib", "dll", "exe", "sh", "bash",
    "ipynb", "js", "mjs", "rb", "pl", "lua", "jar", "bat", "cmd", "ps1",
  ]
  /// The extensions of weights, in whatever container.
  private static let weights = [
    "safetensors", "bin", "pt", "pth", "ckpt", "npz", "npy", "gguf", "ggml", "distcp", "h5", "hdf5",
    "msgpack", "onnx", "pkl", "pickle", "pdparams", "pdopt", "ot", "tar", "zip", "tflite", "nemo",
    "mar", "engine", "imatrix",
  ]

  /// Whether a file of that name lies beside the weights of published checkpoints.
  static func isKnown(_ name: String) -> Bool {
    settings.union(tokenizers).contains(name.lowercased())
  }

  /// Whether a file of that name is a program.
  public static func isProgram(_ name: String) -> Bool { has(programs, name) }

  /// Whether a file of that name holds weights or other arrays.
  public static func isWeights(_ name: String) -> Bool {
    has(weights, name) || name.lowercased().hasSuffix(".index.json")
  }

  /// Whether text of that name is of use only to the run that wrote it.
  static func isRun(_ name: String) -> Bool { runs.contains(name.lowercased()) }

  /// Whether arrays, or a directory, of that name are the state of training.
  public static func isTraining(_ name: String) -> Bool {
    let name = name.lowercased()
    return training.contains { name.hasPrefix($0) } || runs.contains(name)
  }

  /// Whether arrays of that name belong to an adapter.
  static func isAdapter(_ name: String) -> Bool {
    let words = name.lowercased().split { !$0.isLetter && !$0.isNumber }
    return !Set(words).isDisjoint(with: ["adapter", "adapters", "lora", "qlora", "dora"])
  }

  private static func has(_ extensions: [String], _ name: String) -> Bool {
    let name = name.lowercased()
    return extensions.contains { name.hasSuffix("." + $0) }
  }
}
