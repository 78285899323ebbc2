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

  private static let kinds = ["qwen2", "qwen35", "olmo2", "olmo1", "granite", "prefixed"]

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
}
