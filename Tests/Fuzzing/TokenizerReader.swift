import Diagnostics

@testable import Tokenizers

/// Reads tokenizers and turns some text into tokens with them.
enum TokenizerReader {
  private static let text =
    "It's 12 é\u{301} <|im_start|>word\r\n  \u{1f468}\u{200d}\u{1f469}"

  static func read(_ input: UnsafeRawBufferPointer) throws {
    let tokenizer = try Tokenizer(TokenizerFile(parsing: input))
    _ = tokenizer.text(tokenizer.ids(text))
  }

  /// Tokens with ranks; what merges give must spell the text.
  static func ranked(_ input: UnsafeRawBufferPointer) throws {
    let tokens = try RankedTokens(parsing: Array(input)).tokens
    let ids = try PairMerging(ranked: tokens).ids(Array(text.utf8))
    guard ids.flatMap({ tokens[$0] }) == Array(text.utf8) else { fatalError("another text") }
  }
}
