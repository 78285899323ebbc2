import Diagnostics
import Foundation
import GraftTestSupport
import JSON
import SystemPackage
import Testing

@testable import Tokenizers

/// Encoding with what the metadata of a GGUF file state, against what llama.cpp recorded.
@Suite struct GGUFTokenizerTests {
  private static let fixtures = Fixtures.path("tokenizers")

  /// Where strings and their ids were recorded, as in `TokenizerTests`.
  private static let recorded: FilePath = {
    let other = ProcessInfo.processInfo.environment["GRAFT_TOKENIZERS"].map { FilePath($0) }
    guard let other, FileManager.default.fileExists(atPath: other.appending("gguf").string)
    else { return fixtures }
    return other
  }()

  private static func strings(_ folder: FilePath) throws -> [String] {
    try JSONValue(parsing: Fixtures.contents(folder.appending("strings.json"))).array.map {
      $0.compactMap(\.string)
    } ?? []
  }

  /// The vocabulary of the fixture as metadata state it.
  private static func stated(_ pre: String) throws -> GGUFTokenizer {
    let file = try TokenizerFile(fixtures.appending("gguf/tokenizer.json"))
    let texts = Dictionary(
      file.vocabulary.map { ($0.id, $0.text) } + file.added.map { ($0.id, $0.text) },
      uniquingKeysWith: { _, last in last })
    let tokens = texts.sorted { $0.key < $1.key }.map(\.value)
    var kinds = tokens.map { _ in GGUFTokenKind.normal.rawValue }
    for token in file.added {
      kinds[token.id] = (token.isSpecial ? GGUFTokenKind.control : .userDefined).rawValue
    }
    return GGUFTokenizer(
      model: "gpt2", pre: pre, tokens: tokens, kinds: kinds, merges: file.merges,
      begin: nil, end: nil)
  }

  /// Kimi's file puts a token before each text, and Ling's states no kinds, so that there are no added
  /// tokens but those that llama.cpp knows by their text.
  @Test(arguments: ["qwen2", "qwen35", "kimi-k2", "bailingmoe2"])
  func idsAreThoseOfLlama(_ pre: String) throws {
    var stated = try Self.stated(pre)
    if pre == "kimi-k2" { stated.begin = stated.tokens.firstIndex(of: "<|im_start|>") }
    if pre == "bailingmoe2" { stated.kinds = nil }
    let tokenizer = try Tokenizer(stated)
    let path = Self.recorded.appending("gguf/\(pre).txt")
    let lines = try String(decoding: Fixtures.contents(path), as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    #expect(lines.count >= 150)
    for (text, line) in zip(try Self.strings(Self.recorded), lines) {
      #expect(
        tokenizer.ids(text).map(String.init).joined(separator: " ") == line,
        "\(text.debugDescription)")
    }
  }

  @Test func textComesBack() throws {
    let tokenizer = try Tokenizer(Self.stated("qwen35"))
    for text in try Self.strings(Self.fixtures).prefix(100) {
      #expect(tokenizer.text(tokenizer.ids(text)).utf8.elementsEqual(text.utf8))
    }
  }

  /// From left to right it would be ` <ext`, and the rest letters.
  @Test func theLongestAddedTokenCountsFirst() throws {
    var stated = try Self.stated("qwen2")
    stated.end = 0
    let ids = try Tokenizer(stated).ids("a <extra> <ext")
    #expect(ids.suffix(3).map { stated.tokens[$0] } == ["<extra>", " <ext", stated.tokens[0]])
    #expect(ids.count == 5)
  }

  @Test func theFirstOfEqualMergesCounts() throws {
    var stated = try Self.stated("qwen2")
    let ids = try Tokenizer(stated).ids("hello there")
    stated.merges += stated.merges.reversed()
    #expect(try Tokenizer(stated).ids("hello there") == ids)
  }

  @Test func whatCannotBeReadIsRefused() throws {
    try Self.expectRefusal(.unsupported, "tokenizer.ggml.model \"llama\"") { $0.model = "llama" }
    try Self.expectRefusal(.unsupported, "\"llama-bpe\"") { $0.pre = "llama-bpe" }
    try Self.expectRefusal(.unsupported, "none") { $0.pre = nil }
    try Self.expectRefusal(.invalid, "3") { $0.kinds = [1, 1, 1] }
    try Self.expectRefusal(.invalid, "\"!\"") { $0.tokens[300] = "!" }
    try Self.expectRefusal(.invalid, "-1") { $0.begin = -1 }
    try Self.expectRefusal(.invalid, "99999") { $0.end = 99999 }
    try Self.expectRefusal(.invalid, nil) { $0.tokens = [] }
    try Self.expectRefusal(.invalid, nil) { $0.merges.append("q zzz") }
    for merge in ["", " ", "abc", "a b c", "\u{1f468} a"] {
      try Self.expectRefusal(.invalid, "\"\(merge)\"") { $0.merges.append(merge) }
    }
  }

  /// Kinds that nobody knows, and more of them than tokens, are nothing to stumble over.
  @Test func unknownKindsAreTaken() throws {
    var stated = try Self.stated("qwen2")
    stated.kinds = stated.tokens.map { _ in Int(Int32.min) } + [7]
    stated.tokens[stated.tokens.count - 1] = ""
    let tokenizer = try Tokenizer(stated)
    #expect(tokenizer.text(tokenizer.ids("Hello")) == "")
  }

  @Test func wordsAreNamedAsTheyAreWritten() throws {
    for pattern in WordPattern.all {
      for name in pattern.names { #expect(WordPattern.named(name)?.names == pattern.names) }
      guard let written = pattern.written else { continue }
      #expect(WordPattern.name(of: written) == pattern.names[0])
      #expect(WordExpression(written) != nil)
      let words = "I'LL say: 42 \u{0939}\u{093f}\u{4e2d} !?\n\n\t x"[...]
      #expect(
        try WordExpression(written)?.words(of: words)
          == WordExpression(known: pattern.expression).words(of: words))
    }
  }

  private static func expectRefusal(
    _ kind: Problem.Kind, _ found: String?, _ change: (inout GGUFTokenizer) -> Void
  ) throws {
    var stated = try stated("qwen2")
    change(&stated)
    let problem = try #require(throws: Problem.self) { try Tokenizer(stated) }
    #expect(problem.kind == kind && problem.text.utf8.count < 1000, "\(problem)")
    if let found { #expect(problem.found == found) }
  }
}
