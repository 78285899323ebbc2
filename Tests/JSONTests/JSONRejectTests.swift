import Diagnostics
import JSON
import Testing

/// Texts that are not strict JSON, each with the place and the words of the refusal.
@Suite struct JSONRejectTests {
  struct Case: CustomTestStringConvertible {
    let text: [UInt8]
    let what: String
    var testDescription: String { String(decoding: text, as: UTF8.self) }

    init(_ text: String, _ what: String) { self.init(Array(text.utf8), what) }

    init(_ text: [UInt8], _ what: String) {
      self.text = text
      self.what = what
    }
  }

  static let structure = [
    Case("", "line 1, column 1 (byte 0): unexpected end of the text"),
    Case("  ", "line 1, column 3 (byte 2): unexpected end of the text"),
    Case("{", "line 1, column 2 (byte 1): unexpected end of the text"),
    Case("[1,]", "line 1, column 4 (byte 3): a comma before the closing bracket"),
    Case(#"{"a":1,}"#, "line 1, column 8 (byte 7): a comma before the closing bracket"),
    Case("[1 2]", "line 1, column 4 (byte 3): unexpected '2'"),
    Case("[1}", "line 1, column 3 (byte 2): unexpected '}'"),
    Case("[,1]", "line 1, column 2 (byte 1): unexpected ','"),
    Case(#"{"a" 1}"#, "line 1, column 6 (byte 5): unexpected '1'"),
    Case("{a:1}", "line 1, column 2 (byte 1): unexpected 'a'"),
    Case("{1:1}", "line 1, column 2 (byte 1): unexpected '1'"),
    Case("{} {}", "line 1, column 4 (byte 3): unexpected '{'"),
    Case("1 x", "line 1, column 3 (byte 2): unexpected 'x'"),
    Case("{}\0", "line 1, column 3 (byte 2): unexpected byte 0x00"),
    Case("[1]\n]", "line 2, column 1 (byte 4): unexpected ']'"),
    Case("nul", "line 1, column 1 (byte 0): unexpected 'n'"),
    Case("True", "line 1, column 1 (byte 0): unexpected 'T'"),
    Case("[\u{c}1]", "line 1, column 2 (byte 1): unexpected byte 0x0C"),
  ]

  static let hazards = [
    Case(#"{"a":1,"a":2}"#, #"column 8 (byte 7): the key "a" occurs twice in one object"#),
    Case(#"{"a":1,"\u0061":2}"#, #"column 8 (byte 7): the key "a" occurs twice in one object"#),
    Case(#"[{"b":{"a":1,"a":1}}]"#, #"column 14 (byte 13): the key "a" occurs twice"#),
    Case("['a']", "column 2 (byte 1): unexpected '''"),
    Case("[NaN]", "column 2 (byte 1): unexpected 'N'"),
    Case("[Infinity]", "column 2 (byte 1): unexpected 'I'"),
    Case("[-Infinity]", "column 3 (byte 2): unexpected 'I'"),
    Case("[1] // one", "column 5 (byte 4): unexpected '/'"),
    Case("/* one */ 1", "column 1 (byte 0): unexpected '/'"),
    Case(#"{"\u0000":1}"#, "column 2 (byte 1): U+0000 in a key"),
    Case(#"{"a\u0000b":1}"#, "column 2 (byte 1): U+0000 in a key"),
    Case([0xef, 0xbb, 0xbf, 0x7b, 0x7d], "column 1 (byte 0): a byte order mark"),
  ]

  static let numbers = [
    Case("01", "column 1 (byte 0): a number with a leading zero"),
    Case("-01", "column 2 (byte 1): a number with a leading zero"),
    Case("1.", "column 3 (byte 2): unexpected end of the text"),
    Case(".5", "column 1 (byte 0): unexpected '.'"),
    Case("+1", "column 1 (byte 0): unexpected '+'"),
    Case("-", "column 2 (byte 1): unexpected end of the text"),
    Case("1e", "column 3 (byte 2): unexpected end of the text"),
    Case("1e+", "column 4 (byte 3): unexpected end of the text"),
    Case("0x10", "column 2 (byte 1): unexpected 'x'"),
    Case("18446744073709551616", "column 1 (byte 0): a number out of range"),
    Case("-9223372036854775809", "column 1 (byte 0): a number out of range"),
    Case("1e999", "column 1 (byte 0): a number out of range"),
  ]

  static let strings = [
    Case("\"abc", "column 1 (byte 0): the string does not end"),
    Case(#""\x""#, "column 2 (byte 1): an unknown escape"),
    Case(#""\"#, "column 2 (byte 1): an unknown escape"),
    Case(#""\u12g4""#, "column 2 (byte 1): an escape without four hexadecimal digits"),
    Case(#""\ud800""#, "column 2 (byte 1): a lone surrogate"),
    Case(#""\ud800x""#, "column 2 (byte 1): a lone surrogate"),
    Case(#""\ud800\n""#, "column 2 (byte 1): a lone surrogate"),
    Case(#""\ud800\ud800""#, "column 2 (byte 1): a lone surrogate"),
    Case(#""\udc00""#, "column 2 (byte 1): a lone surrogate"),
    Case("\"a\tb\"", "column 3 (byte 2): unexpected byte 0x09"),
    Case("\"a\nb\"", "column 3 (byte 2): unexpected byte 0x0A"),
    Case("\"1234567\u{1}\"", "column 9 (byte 8): unexpected byte 0x01"),
  ]

  static let encodings = [
    [0x80], [0xc0, 0x80], [0xc1, 0xbf], [0xc3], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80],
    [0xe2, 0x82], [0xf0, 0x80, 0x80, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80],
    [0xff], [0xe2, 0x28, 0xa1],
  ].map { Case([0x22] + $0 + [0x22], "column 2 (byte 1): not UTF-8") }

  @Test(arguments: structure + hazards + numbers + strings + encodings)
  func refuses(_ sample: Case) throws {
    let problem = try #require(throws: Problem.self) { try JSONValue(parsing: sample.text) }
    #expect(problem.kind == .invalid)
    #expect(problem.what.contains("bad JSON at line "))
    #expect(problem.what.contains(sample.what))
  }

  @Test func saysWhatWasExpectedAndFound() throws {
    let problem = try #require(throws: Problem.self) {
      try JSONValue(parsing: Array("{\n  \"a\": 1;\n}".utf8))
    }
    #expect(
      problem
        == Problem(
          .invalid, "bad JSON at line 2, column 9 (byte 10): unexpected ';'",
          expected: "',' or '}'", found: "';'"))
  }

  @Test func refusesDeepNesting() throws {
    func nested(_ depth: Int) -> [UInt8] {
      Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
    }
    #expect(throws: Never.self) { try JSONValue(parsing: nested(128)) }
    let problem = try #require(throws: Problem.self) { try JSONValue(parsing: nested(129)) }
    #expect(problem.expected == "at most 128 levels")
    #expect(problem.found == "129 levels")
    #expect(throws: Problem.self) { try JSONValue(parsing: nested(1_000_000)) }
  }
}
