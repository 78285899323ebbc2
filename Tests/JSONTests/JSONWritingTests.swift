import JSON
import Testing

@Suite struct JSONWritingTests {
  static let sample: JSONValue = [
    "a/b": [1, [], [:], [2, 3]], "n": nil, "s": "\"\\\n\u{1}é", "o": ["x": true, "y": 0.5],
  ]

  @Test func looksLikePython() {
    #expect(
      Self.sample.text() == #"""
        {
          "a/b": [
            1,
            [],
            {},
            [
              2,
              3
            ]
          ],
          "n": null,
          "s": "\"\\\n\u0001é",
          "o": {
            "x": true,
            "y": 0.5
          }
        }
        """#)
  }

  @Test func otherIndentations() {
    #expect(
      (["a": [1, "  x\n  y"]] as JSONValue).text(indent: 4) == #"""
        {
            "a": [
                1,
                "  x\n  y"
            ]
        }
        """#)
    #expect(
      Self.sample.text(indent: 0)
        == #"{"a/b":[1,[],{},[2,3]],"n":null,"s":"\"\\\n\u0001é","o":{"x":true,"y":0.5}}"#)
  }

  @Test(arguments: [
    (0.1, "0.1"), (1e-5, "1e-05"), (10000, "10000.0"), (1e-6, "1e-06"), (1e7, "10000000.0"),
    (1e15, "1000000000000000.0"), (1e16, "1e+16"), (1.5e16, "1.5e+16"), (-1e16, "-1e+16"),
    (9_007_199_254_740_992, "9007199254740992.0"),
    (12_345_678_901_234_568, "1.2345678901234568e+16"),
    (1e22, "1e+22"), (1.7976931348623157e308, "1.7976931348623157e+308"),
    (.leastNonzeroMagnitude, "5e-324"),
    (0.0001, "0.0001"), (-0.0, "-0.0"), (1e100, "1e+100"), (3.14, "3.14"),
  ])
  func numbersFromSwiftLookLikePython(_ number: Double, _ text: String) {
    #expect(JSONValue(number).text() == text)
  }

  @Test func whatJSONCannotSay() {
    #expect(JSONValue(Double.nan) == .null && JSONValue(Double.infinity) == .null)
    #expect((["a\0b": "c\0d"] as JSONValue).text(indent: 0) == #"{"a\#u{fffd}b":"c\u0000d"}"#)
  }

  @Test func scalarsAlone() {
    #expect(JSONValue.null.text() == "null" && JSONValue.unsigned(.max).text() == "\(UInt64.max)")
    #expect(
      JSONValue.bool(false).text() == "false" && JSONValue.integer(.min).text() == "\(Int64.min)")
    #expect(("" as JSONValue).text() == "\"\"" && ([] as JSONValue).text() == "[]")
  }

  @Test(arguments: [0, 1, 2, 3, 4, 7]) func readsBackWhateverTheIndentation(_ indent: Int) throws {
    let text = Self.sample.text(indent: indent)
    #expect(try JSONValue(parsing: Array(text.utf8)) == Self.sample)
    #expect(JSONValue.indentation(of: Array(text.utf8)) == (indent == 0 ? 2 : indent))
  }

  @Test(arguments: [
    "", "{}", "[1]", "1\n  2", "{\n\t\"a\": 1\n}", "{\n}", "{ \"a\": 1,\n   \"b\": 2 }",
  ])
  func unknownIndentationsAreTwo(_ text: String) {
    #expect(JSONValue.indentation(of: Array(text.utf8)) == 2)
  }
}
