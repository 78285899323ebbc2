import Diagnostics
import JSON
import Testing

/// Numbers that JSON does not have and Python writes.
@Suite struct JSONDialectTests {
  private func parse(_ text: String, _ dialect: JSONDialect) throws -> JSONValue {
    try JSONValue(parsing: Array(text.utf8), dialect)
  }

  @Test(arguments: JSONDialect.NotFinite.allCases)
  func pythonHasThem(number: JSONDialect.NotFinite) throws {
    let word = number.rawValue
    let value = try parse(#"{"a":[0.0,\#(word)],"b":\#(word)}"#, .python)
    #expect(value["b"] == .notFinite(number) && value["b"]?.number == nil)
    #expect(value["a"] == [0.0, .notFinite(number)])
    #expect(value.text(indent: 0) == #"{"a":[0.0,\#(word)],"b":\#(word)}"#)
    #expect(value == (try parse(value.text(), .python)))
    #expect(throws: Problem.self) { try parse("[\(word)]", .strict) }
  }

  @Test(arguments: ["Inf", "nan", "+Infinity", "-NaN", "-Inf", "Infinit", "N", "Infinity1"])
  func nothingElseIsRead(text: String) {
    #expect(throws: Problem.self) { try parse("[\(text)]", .python) }
  }

  @Test func theyAreSteppedOver() throws {
    try Array("[[Infinity, {\"a\": -Infinity}], NaN]".utf8).withUnsafeBytes { bytes in
      var scanner = JSONScanner(bytes, .python)
      try scanner.skip()
      try scanner.end()
    }
  }
}
