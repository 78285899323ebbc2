import Diagnostics
import JSON

/// The tokenizer that the metadata of a GGUF file state, unchecked.
///
/// Source: llama.cpp, `src/llama-vocab.cpp`.
public struct GGUFTokenizer {
  /// The kind of model (`tokenizer.ggml.model`).
  public var model: String
  /// The way of cutting words (`tokenizer.ggml.pre`); nil where it is not said.
  public var pre: String?
  /// The tokens by number.
  public var tokens: [String]
  /// Their kinds, as numbers; nil where they are not said.
  public var kinds: [Int]?
  /// The pairs that are merged, first the ones merged first, as two texts with a space between them.
  public var merges: [String]
  /// The number of the token before each text; nil where there is none.
  public var begin: Int?
  /// The number of the token after each text; nil where there is none.
  public var end: Int?

  /// Byte-level BPE, as GGUF calls it.
  public static let byteLevel = "gpt2"

  /// Takes what metadata say.
  public init(
    model: String, pre: String?, tokens: [String], kinds: [Int]?, merges: [String], begin: Int?,
    end: Int?
  ) {
    (self.model, self.pre, self.tokens, self.kinds) = (model, pre, tokens, kinds)
    (self.merges, self.begin, self.end) = (merges, begin, end)
  }

  /// One token.
  struct Token {
    let text: String
    let id: Int
    let kind: GGUFTokenKind?

    /// What is looked for in texts; nil for a token that is made by merges.
    var added: TokenizerFile.AddedToken? {
      guard kind?.isAdded ?? false else { return nil }
      return TokenizerFile.AddedToken(
        text: text, id: id, isSpecial: kind != .userDefined, takesSpaceBefore: false,
        takesSpaceAfter: false, isWord: false, isNormalised: false)
    }

    /// The bytes it stands for; none for kinds that stand for no text.
    var spelling: [UInt8] {
      if kind?.isAdded ?? false { return Array(text.utf8) }
      return kind == .normal ? ByteLetters.bytes(of: text) ?? Array(text.utf8) : []
    }
  }

  /// The tokens with their kinds.
  /// - Throws: `Problem` of kind `invalid` where a kind or a number has no token, or two have one text;
  ///   `unsupported` for another model than byte-level BPE.
  func checked() throws -> [Token] {
    guard model == Self.byteLevel else {
      throw TokenizerObstacle.problem("tokenizer.ggml.model", .string(model))
    }
    if let kinds, kinds.count < tokens.count {
      throw Problem(
        .invalid, "the tokenizer has fewer kinds than tokens", expected: "\(tokens.count)",
        found: "\(kinds.count)")
    }
    for id in [begin, end].compactMap(\.self) where !tokens.indices.contains(id) {
      throw Problem(
        .invalid, "the token around a text is not in the vocabulary",
        expected: "a number below \(tokens.count)", found: "\(id)")
    }
    try checkTexts()
    return tokens.enumerated().map { id, text in
      Token(text: text.isEmpty ? "[EMPTY_\(id)]" : text, id: id, kind: kind(of: id))
    }
  }

  private func checkTexts() throws {
    var known: Set<[UInt8]> = []
    for text in tokens where !text.isEmpty {
      guard known.insert(Array(text.utf8)).inserted else {
        throw Problem(
          .invalid, "two tokens have one text", found: JSONValue.string(text).text(indent: 0))
      }
    }
  }

  private func kind(of id: Int) -> GGUFTokenKind? {
    let stated = kinds.map { GGUFTokenKind(rawValue: $0[id]) } ?? .normal
    let isAdded = stated?.isAdded ?? false
    return !isAdded && Self.control.contains(tokens[id]) ? .control : stated
  }

  /// The way of cutting words.
  /// - Throws: `Problem` of kind `unsupported` for one that is not known.
  func pattern() throws -> WordPattern {
    if let pattern = pre.flatMap(WordPattern.named) { return pattern }
    throw TokenizerObstacle.words(pre)
  }

  /// The merges, each once, since the first of equal ones counts.
  var distinctMerges: [String] {
    var known: Set<[UInt8]> = []
    return merges.filter { known.insert(Array($0.utf8)).inserted }
  }

  /// Texts of tokens that llama.cpp takes for control tokens whatever the file says.
  private static let control: Set<String> = [
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>",
    "<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]",
    "<|end_of_text|>", "<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>",
    "<\u{ff5c}end\u{2581}of\u{2581}sentence\u{ff5c}>", "[e~[",
    "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|fim_pad|>", "<|fim_repo|>",
    "<|repo_name|>", "<|file_sep|>", "[PAD]",
  ]
}
