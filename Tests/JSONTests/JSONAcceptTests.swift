import Diagnostics
import JSON
import Testing

@Suite struct JSONAcceptTests {
  private func parse(_ text: String) throws -> JSONValue {
    try JSONValue(parsing: Array(text.utf8))
  }

  @Test func readsEveryKindOfValue() throws {
    let text =
      " { \"a\" : [ null , true , false ] ,\r\n\t\"b\" : { } , \"c\" : [ ] , \"d\" : \"x\" } "
    let value: JSONValue = ["a": [nil, true, false], "b": [:], "c": [], "d": "x"]
    #expect(try parse(text) == value)
  }

  /// Members that nobody asks for are not kept, but must be JSON all the same.
  @Test func someMembersAreRead() throws {
    func some(_ text: String) throws -> JSONValue {
      try JSONValue(parsing: Array(text.utf8), members: ["a", "c"])
    }
    #expect(
      try some(#"{ "a": [1], "b": { "a": 2, "x": [] }, "c": null }"#) == ["a": [1], "c": nil])
    #expect(throws: Problem.self) { try some(#"{ "a": 1, "b": { "x": [ } }"#) }
    #expect(throws: Problem.self) { try some(#"{ "a": 1, "a": 2 }"#) }
    #expect(throws: Problem.self) { try some("[]") }
  }

  @Test(arguments: [
    ("0", JSONValue.integer(0)), ("-1", .integer(-1)), ("10", .integer(10)),
    ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
    ("9223372036854775808", .unsigned(1 << 63)), ("18446744073709551615", .unsigned(.max)),
    ("-0", .double(-0.0, text: "-0")), ("1.0", .double(1, text: "1.0")),
    ("1e1", .double(10, text: "1e1")), ("1E+05", .double(100_000, text: "1E+05")),
    ("-0.0e-0", .double(-0.0, text: "-0.0e-0")), ("1e-06", .double(1e-6, text: "1e-06")),
  ])
  func keepsNumbers(_ text: String, _ value: JSONValue) throws {
    #expect(try parse(text) == value)
    #expect(value.text() == text)
  }

  @Test(arguments: [
    (#""""#, ""), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"), (#""\u00e9""#, "é"),
    (#""\ud83d\ude00""#, "😀"), (#""é😀""#, "é😀"), (#""\u0000""#, "\0"), ("\"\u{7f}\"", "\u{7f}"),
    (#""\uFFFF\ud7ff\ue000""#, "\u{ffff}\u{d7ff}\u{e000}"),
    (#""12345678\n12345678""#, "12345678\n12345678"),
    (#""1234567é""#, "1234567é"),
  ])
  func readsStrings(_ text: String, _ content: String) throws {
    #expect(try parse(text).string.map { Array($0.utf8) } == Array(content.utf8))
  }

  @Test func keysThatOnlyLookEqualAreTwo() throws {
    let value = try parse("{\"\u{e9}\":1,\"e\u{301}\":2}")
    #expect(value.object?.count == 2)
    #expect(value["\u{e9}"]?.int == 1)
    #expect(value["e\u{301}"]?.int == 2)
  }

  @Test func keepsTheOrderOfAThousandKeys() throws {
    let keys = (0..<1000).map { "k\($0 * 7919 % 1000)" }
    let text = "{" + keys.map { "\"\($0)\":0" }.joined(separator: ",") + "}"
    #expect(try parse(text).object?.keys == keys)
  }
}
