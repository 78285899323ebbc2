import Diagnostics
import Foundation
import GraftTestSupport
import JSON
import SystemPackage
import Testing

@testable import Tokenizers

/// Encoding with a `tiktoken.model` against what `tiktoken` recorded.
@Suite struct KimiTokenizerTests {
  private static let fixture = Fixtures.path("tokenizers/kimi")

  /// Where strings and their ids were recorded, as in `TokenizerTests`.
  private static let recorded: FilePath = {
    let other = ProcessInfo.processInfo.environment["GRAFT_TOKENIZERS"].map {
      FilePath($0).appending("kimi")
    }
    guard let other, FileManager.default.fileExists(atPath: other.string) else { return fixture }
    return other
  }()

  private static func strings() throws -> [String] {
    try JSONValue(parsing: Fixtures.contents(recorded.appending("strings.json"))).array.map {
      $0.compactMap(\.string)
    } ?? []
  }

  @Test func idsAreThoseOfTheOriginal() throws {
    let tokenizer = try Tokenizer(folder: Self.recorded)
    let ids = try Fixtures.contents(Self.recorded.appending("ids.txt"))
    let lines = String(decoding: ids, as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    let texts = try Self.strings()
    #expect(texts.count == lines.count && texts.count >= 400)
    for (text, line) in zip(texts, lines) {
      let ids = tokenizer.ids(text)
      #expect(ids.map(String.init).joined(separator: " ") == line, "\(text.debugDescription)")
      #expect(tokenizer.text(ids).utf8.elementsEqual(text.utf8))
    }
  }

  /// What the original does not name has a name of its number.
  @Test func specialTokensAreTakenAsOne() throws {
    let tokenizer = try Tokenizer(folder: Self.fixture)
    #expect(tokenizer.ids("[BOS]<|reserved_token_604|>[PAD]") == [600, 604, 855])
    #expect(tokenizer.ids("<|reserved_token_857|>") == [857])
    #expect(tokenizer.ids("<|reserved_token_858|>").count > 1)
  }

  /// The original takes 25 000 letters without white space at a time, and 400 000 of any.
  @Test func longTextsAreTakenInPortions() {
    let run = String(repeating: "a", count: 25_000)
    #expect(TextPortions.of(run + "b c").map(\.count) == [25_000, 3])
    #expect(TextPortions.of(run + " " + run).count == 1)
    let spaced = String(repeating: "é\u{1c}", count: 200_001)
    #expect(TextPortions.of(spaced).map { $0.unicodeScalars.count } == [400_000, 2])
    #expect(TextPortions.of("").map(String.init) == [""])
  }

  @Test func base64HasOneSpelling() {
    #expect(Base64.bytes(of: Array("aGk=".utf8)) == Array("hi".utf8))
    #expect(Base64.bytes(of: Array("".utf8)) == [])
    for text in ["aGk", "aGl=", "a===", "=aGk", "aG k", "aGk=aGk=", "ä==="] {
      #expect(Base64.bytes(of: Array(text.utf8)) == nil, "\(text)")
    }
  }

  @Test func brokenFilesAreRefused() throws {
    func problem(
      _ kind: Problem.Kind, _ found: String?, _ change: (String) -> String
    ) throws {
      let bytes = try Fixtures.contents(Self.fixture.appending("tiktoken.model"))
      let text = change(String(decoding: bytes, as: UTF8.self))
      let problem = try #require(throws: Problem.self) {
        try PairMerging(ranked: RankedTokens(parsing: Array(text.utf8)).tokens)
      }
      #expect(problem.kind == kind && problem.text.utf8.count < 1000, "\(problem)")
      if let found { #expect(problem.found == found) }
    }
    try problem(.invalid, nil) { _ in "" }
    try problem(.invalid, "line 601: QQ 600") { $0 + "QQ 600" }
    try problem(.invalid, "line 601: QUFB 600 1") { $0 + "QUFB 600 1" }
    try problem(.invalid, "line 601: QUFB -1") { $0 + "QUFB -1" }
    try problem(.invalid, "line 601: QUFB 99999999999999999999") {
      $0 + "QUFB 99999999999999999999"
    }
    try problem(.invalid, "line 601: = 600") { $0 + "= 600" }
    try problem(.invalid, "line 601: {\"a\":") { $0 + "{\"a\":" }
    try problem(.invalid, "601") { $0 + "QUFBQUFB 601" }
    try problem(.invalid, "5 for a second time") { $0 + "QUFBQUFB 5" }
    try problem(.invalid, "0 and 600") { $0 + $0.prefix { $0 != " " } + " 600" }
    // A byte without a token: that of rank 0 becomes two.
    try problem(.invalid, nil) { "QUFBQUFB" + $0.drop { $0 != " " } }
    let long = Array("QUFB".utf8) + Array(repeating: UInt8(ascii: "A"), count: 2048)
    try problem(.unsupported, nil) { $0 + String(decoding: long, as: UTF8.self) + " 600" }
  }

  /// A folder with the fixture and other settings, perhaps a program.
  private func refusal(_ settings: String?, program: String? = nil) throws -> Problem {
    let folder = try TemporaryDirectory()
    let model = try Fixtures.contents(Self.fixture.appending("tiktoken.model"))
    try folder.write("tiktoken.model", model)
    if let settings { try folder.write("tokenizer_config.json", settings.utf8) }
    if let program { try folder.write("tokenization_kimi.py", program.utf8) }
    return try #require(throws: Problem.self) { try Tokenizer(folder: folder.path) }
  }

  private static func settings(_ tokens: String) -> String {
    #"{"tokenizer_class": "TikTokenTokenizer", "added_tokens_decoder": {\#(tokens)}}"#
  }

  @Test func settingsOfOtherTokenizersAreRefused() throws {
    let named = #""600": {"content": "[BOS]"}"#
    #expect(try refusal(nil).kind == .unsupported)
    #expect(try refusal(#"{"tokenizer_class": "Qwen2Tokenizer"}"#).kind == .unsupported)
    for tokens in [
      "", #""5": {"content": "x"}"#, #""858": {"content": "x"}"#, #""600": {}"#,
      #""x": {"content": "x"}"#, named + #", "601": {"content": "[BOS]"}"#,
    ] {
      #expect(try refusal(Self.settings(tokens)).kind == .invalid, "\(tokens)")
    }
    let problem = try refusal(Self.settings(named), program: "pat_str = 'x'")
    #expect(problem.kind == .unsupported && problem.expected == #"[\p{Han}]+"#)
    let words = KimiWords.alternatives.joined(separator: "\n")
    #expect(try refusal(Self.settings(named), program: words).kind == .unsupported)
  }

  /// Long words take no quadratic time.
  @Test(.timeLimit(.minutes(1))) func longWordsAreMergedInOnePass() throws {
    let tokenizer = try Tokenizer(folder: Self.fixture)
    let text = String(repeating: "ab", count: 12_000)
    #expect(tokenizer.text(tokenizer.ids(text)) == text)
  }
}
