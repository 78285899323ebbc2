/// What GGUF calls the kinds of tokens (`tokenizer.ggml.token_type`).
public enum GGUFTokenKind: Int {
  case normal = 1
  case unknown, control, userDefined, unused, byte

  /// Whether such a token is found in a text by its own letters, not by merges.
  var isAdded: Bool { self == .unknown || self == .control || self == .userDefined }
}
