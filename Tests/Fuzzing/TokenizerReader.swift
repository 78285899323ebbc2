import Diagnostics

@testable import Tokenizers

/// Reads tokenizers and turns some text into tokens with them.
enum TokenizerReader {
  static func read(_ input: UnsafeRawBufferPointer) throws {
    let tokenizer = try Tokenizer(TokenizerFile(parsing: input))
    let ids = tokenizer.ids("It's 12 é\u{301} <|im_start|>word\r\n  \u{1f468}\u{200d}\u{1f469}")
    _ = tokenizer.text(ids)
  }
}
