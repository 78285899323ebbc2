import Testing

@testable import Tokenizers

/// Which expressions cut text into words.
@Suite struct WordExpressionTests {
  @Test(arguments: [
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"#,
    #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t)?|\p{N}{1,3}|\s+"#,
    #"[一-龥぀-ゟ]+|[!-/:-~]+|\s\p{L}+"#, #"\d{2,}|\w+|."#,
    #"(?:a*b+|c*d+|e?+)f*|a*b*c*|g{3}h{3}"#, #"(?i:a++b*+|c+?)"#,
  ])
  func thoseOfTokenizersAreTaken(_ pattern: String) {
    #expect(WordExpression(pattern) != nil)
  }

  @Test(arguments: [
    #"(a+)+b"#, #"(?:a+)+b"#, #"(?:a|b)*"#, #"(?:a){9}"#, #"(?<=a)b"#, #"(?<name>a)"#, #"a\1"#,
    #"(?>a)"#,
    #"[a[b]]"#, #"[a&&b]"#, #"[a"#, #"a)"#, #"(?:a"#, #"a{1000}"#, #"a{,2}"#, #"\p{L"#, #"\p{Foo}"#,
    #"\Qa"#,
    #"\s*\s*\s*\s*x"#, #"(?:a*|b)c+d*\w{2,}"#, #"a*(?:b|(?:c+)d*)e{1,2}"#,
    String(repeating: "a|", count: 2048) + "b",
    String(repeating: "(?:", count: 20) + "a" + String(repeating: ")", count: 20),
    #"^a$"#, #"[]"#, #"\"#, #"*"#, #"(?C1)"#,
  ])
  func othersAreNot(_ pattern: String) {
    #expect(WordExpression(pattern) == nil)
  }

  @Test func wordsAreWhatMatchesAndWhatLiesBetween() throws {
    let expression = try #require(WordExpression(#"\p{L}+|\p{N}"#))
    #expect(expression.words(of: "ab 12, c\r\n") == ["ab", " ", "1", "2", ", ", "c", "\r\n"])
    #expect(expression.words(of: "") == [])
  }
}
