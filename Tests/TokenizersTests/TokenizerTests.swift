import Diagnostics
import Foundation
import GraftTestSupport
import JSON
import SystemPackage
import Testing

@testable import Tokenizers

/// Encoding and decoding against what Hugging Face's `tokenizers` recorded.
@Suite struct TokenizerTests {
  /// Where strings and their ids were recorded; `make tokenizers` names another folder than the
  /// fixtures, with more strings.
  private static let recorded =
    ProcessInfo.processInfo.environment["GRAFT_TOKENIZERS"].map { FilePath($0) }
    ?? Fixtures.path("tokenizers")

  private static let kinds = ["qwen2", "qwen35", "olmo2", "olmo1", "granite", "prefixed", "ling"]

  private static func folder(_ kind: String) -> FilePath { Fixtures.path("tokenizers/" + kind) }

  private static func strings(_ folder: FilePath) throws -> [String] {
    try JSONValue(parsing: Fixtures.contents(folder.appending("strings.json"))).array.map {
      $0.compactMap(\.string)
    } ?? []
  }

  @Test(arguments: kinds) func idsAreThoseOfTheOriginal(_ kind: String) throws {
    let folder = Self.recorded.appending(kind)
    let tokenizer = try Tokenizer(folder: folder)
    let lines = try String(decoding: Fixtures.contents(folder.appending("ids.txt")), as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    let texts = try Self.strings(Self.recorded)
    #expect(texts.count == lines.count && texts.count >= 1700)
    for (text, line) in zip(texts, lines) {
      #expect(
        tokenizer.ids(text).map(String.init).joined(separator: " ") == line,
        "\(text.debugDescription)")
    }
  }

  @Test func textComesBack() throws {
    let tokenizer = try Tokenizer(folder: Self.folder("granite"))
    for text in try Self.strings(Fixtures.path("tokenizers")) {
      #expect(tokenizer.text(tokenizer.ids(text)).utf8.elementsEqual(text.utf8))
    }
  }

  @Test func unfinishedLettersAreMarked() throws {
    let tokenizer = try Tokenizer(folder: Self.folder("granite"))
    let ids = tokenizer.ids("\u{20000}")
    #expect(tokenizer.text(Array(ids.dropLast())) == "\u{fffd}")
    #expect(tokenizer.text([1_000_000]) == "")
  }

  @Test func longWordsTakeNoQuadraticTime() throws {
    let tokenizer = try Tokenizer(folder: Self.folder("qwen2"))
    let text = String(repeating: "ab", count: 100_000)
    #expect(tokenizer.text(tokenizer.ids(text)) == text)
  }

  private static func file(_ change: (String) -> String) throws -> TokenizerFile {
    let bytes = try Fixtures.contents(folder("qwen2").appending("tokenizer.json"))
    let text = change(String(decoding: bytes, as: UTF8.self))
    return try Array(text.utf8).withUnsafeBytes { try TokenizerFile(parsing: $0) }
  }

  /// Each of these built gigabytes, or kept the matcher busy, before it was refused.
  @Test func partsThatAreTooLargeAreRefused() throws {
    let part = #"{"SpecialToken":{"id":"s"}}"#
    let template = """
      {"type":"TemplateProcessing","single":[\(Array(repeating: part, count: 5000).joined(separator: ",")),\
      {"Sequence":{"id":"A"}}],"special_tokens":{"s":{"ids":[1,2,3]}}}
      """
    let nested = #"{"type":"Sequence","processors":["# + template + "]}"
    let steps = String(repeating: #"{"type":"Digits"},"#, count: 1000)
    for (old, new) in [
      (#""post_processor":"#, #""post_processor":\#(template),"a":"#),
      (#""post_processor":"#, #""post_processor":\#(nested),"a":"#),
      (#""pretokenizers":["#, #""pretokenizers":[\#(steps)"#),
      (#""Regex":""#, #""Regex":"["# + String(repeating: "a", count: 1_000_000) + "]|"),
      (#""Regex":""#, #""Regex":""# + String(repeating: "a|", count: 100_000)),
    ] {
      let file = try Self.file { $0.replacing(old, with: new) }
      let problem = try #require(throws: Problem.self) { try Tokenizer(file) }
      #expect(problem.kind == .unsupported && problem.text.utf8.count < 1000, "\(problem)")
    }
  }

  @Test func addedTokensAreTheLongestThatStandThere() throws {
    let texts = ["<a", "<a>", "<ab>", "<", "b", "<a>", "é", "e", ""]
    let added = texts.enumerated().map { index, text in
      TokenizerFile.AddedToken(
        text: text, id: index, isSpecial: true, takesSpaceBefore: false, takesSpaceAfter: false,
        isWord: false, isNormalised: false)
    }
    let tokens = AddedTokens(added) { $0 }
    func ids(_ text: String) -> [Int] {
      tokens.pieces(of: Substring(text)).map { $0.id ?? -1 }
    }
    #expect(ids("<a><ab><abc<x") == [1, 2, 0, 4, -1, 3, -1])
    #expect(ids("éxe") == [6, -1, 7])
  }

  /// Comparing each token at each letter would take minutes.
  @Test(.timeLimit(.minutes(1))) func manyAddedTokensAreFoundInOnePass() {
    let added = (0..<50_000).map {
      TokenizerFile.AddedToken(
        text: "<token-\($0)>", id: $0, isSpecial: true, takesSpaceBefore: false,
        takesSpaceAfter: false, isWord: false, isNormalised: false)
    }
    let tokens = AddedTokens(added) { $0 }
    let text = String(repeating: "<token-", count: 20_000) + "<token-49999>"
    #expect(tokens.pieces(of: Substring(text)).compactMap(\.id) == [49_999])
  }
}
