/// A way of cutting text into words that GGUF has names for (`tokenizer.ggml.pre`).
///
/// Source: llama.cpp, `src/llama-vocab.cpp` and `src/unicode.cpp`. What it does where it replaces an
/// expression by code of its own is said by `expression`: for Kimi, letters are not parted by their case.
public struct WordPattern: Sendable {
  /// The names, first the one that is written.
  public let names: [String]
  /// How a `tokenizer.json` says the same; nil where none does.
  let written: String?
  /// What llama.cpp takes for words.
  let expression: String

  /// All that are known.
  static let all = [qwen2, qwen35, kimi, ling]

  /// The pattern that has a name; nil for names that are not known.
  public static func named(_ name: String) -> WordPattern? {
    all.first { $0.names.contains(name) }
  }

  /// The name that stands for an expression of a `tokenizer.json`; nil where none does.
  public static func name(of expression: String) -> String? {
    all.first { $0.written == expression }?.names[0]
  }

  private static let qwen2 = WordPattern(
    "qwen2",
    #"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#)

  private static let qwen35 = WordPattern(
    "qwen35",
    #"[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  )

  private static let kimi = WordPattern(
    names: ["kimi-k2"], written: nil,
    expression: han + "+"
      + #"|[^\r\n\p{L}\p{N}]?[\p{L}--\#(han)]+(?:\#(contraction))?|\p{N}{1,3}"#
      + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#)

  private static let ling = WordPattern(
    names: ["bailingmoe2", "bailingmoe"],
    written: #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*"#
      + #"|\s*[\r\n]|\s+(?!\S)|\s+"#,
    expression: contraction
      + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"#)

  /// Ends of English words, with ASCII letters alone; those of a `tokenizer.json` ignore case, so that 's
  /// may have a long s.
  private static let contraction = "'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])"

  /// The letters that are words by themselves: CJK ideographs, their extensions A to F and those for
  /// compatibility, whose ranges cannot begin with their first letters, since these have other normal forms.
  private static let han =
    #"[[\u{3400}-\u{4DBF}\u{4E00}-\u{9FFF}\u{F8FF}-\u{FAFF}\u{20000}-\u{2A6DF}\u{2A700}-\u{2EBEF}"#
    + #"\u{2F7FF}-\u{2FA1F}]--[\u{F8FF}\u{2F7FF}]]"#

  private init(names: [String], written: String?, expression: String) {
    (self.names, self.written, self.expression) = (names, written, expression)
  }

  /// Words of which one alternative is a contraction, and the others are written alike.
  private init(_ name: String, _ others: String) {
    self.init(
      names: [name], written: "(?i:'s|'t|'re|'ve|'m|'ll|'d)|" + others,
      expression: Self.contraction + "|" + others)
  }
}
