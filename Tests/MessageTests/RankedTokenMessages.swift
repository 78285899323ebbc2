import GraftTestSupport

extension MessageSection {
  /// Tokenizers in the form of Kimi's models.
  static let rankedTokens = MessageSection(
    "Tokens with ranks",
    [
      .init("a line of tiktoken.model without a rank") {
        try $0.score(ranked: { $0 + "QUFB\n" })
      },
      .init("a rank that is left out") { try $0.score(ranked: { $0 + "QUFBQUFB 601\n" }) },
      .init("one token at two ranks") {
        try $0.score(ranked: { $0 + $0.prefix { $0 != " " } + " 600\n" })
      },
      .init("a tokenizer class that Graft does not know") {
        try $0.score(settings: { $0.replacing("TikToken", with: "") })
      },
      .init("special tokens without names") {
        try $0.score(settings: { $0.replacing("added_tokens_decoder", with: "added_tokens") })
      },
      .init("a special token with the number of another") {
        try $0.score(settings: { $0.replacing("\"600\"", with: "\"599\"") })
      },
      .init("a program that cuts words in another way") {
        try $0.score(program: "pat_str = r'\\w+'\n")
      },
    ])
}

extension Workshop {
  /// Scores a text with a changed tokenizer of Kimi.
  fileprivate func score(
    program: String? = nil, ranked: (String) -> String = { $0 },
    settings: (String) -> String = { $0 }
  ) throws -> Message {
    func text(_ name: String) throws -> String {
      String(decoding: try Fixtures.bytes("tokenizers/kimi/" + name), as: UTF8.self)
    }
    try model("options/gdn-small") {
      try $0.write("tiktoken.model", ranked(text("tiktoken.model")).utf8)
      try $0.write("tokenizer_config.json", settings(text("tokenizer_config.json")).utf8)
      if let program { try $0.write("tokenization_kimi.py", program.utf8) }
    }
    return try graft("score", "model", "--text", "some words")
  }
}
