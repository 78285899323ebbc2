import Diagnostics
import GraftTestSupport
import JSON
import Testing

@Suite struct JSONScannerTests {
  private func scan<Result>(_ text: String, _ body: (inout JSONScanner) throws -> Result) throws
    -> Result
  {
    try Array(text.utf8).withUnsafeBytes {
      var scanner = JSONScanner($0)
      return try body(&scanner)
    }
  }

  @Test func pullsWhatTheCallerAsksFor() throws {
    try scan(#"{"n": [1, 2], "ok": true, "none": null, "s": "\u0061b"} "#) { scanner in
      try scanner.beginObject()
      #expect(try scanner.nextKey()?.isEqual(to: "n") == true)
      try scanner.beginArray()
      #expect(try scanner.nextElement())
      #expect(try scanner.unsigned() == 1)
      #expect(try scanner.nextElement())
      #expect(try scanner.unsigned() == 2)
      #expect(try !scanner.nextElement())
      #expect(try scanner.nextKey()?.string == "ok")
      #expect(try scanner.bool())
      #expect(try scanner.nextKey()?.string == "none")
      try scanner.null()
      #expect(try scanner.nextKey()?.string == "s")
      let text = try scanner.text()
      #expect(text.hasEscapes && text.string == "ab" && text.isEqual(to: "ab"))
      #expect(try scanner.nextKey() == nil)
      try scanner.end()
    }
  }

  @Test(arguments: ["-1", "1.0", "1e1", "\"1\"", "01", "18446744073709551616", ""])
  func refusesWhatIsNotUnsigned(_ text: String) {
    #expect(throws: Problem.self) { try scan(text) { try $0.unsigned() } }
  }

  @Test func readsTheLargestUnsigned() throws {
    #expect(try scan("18446744073709551615") { try $0.unsigned() } == .max)
  }

  @Test func refusesTheWrongKind() throws {
    let problem = try #require(throws: Problem.self) { try scan("[1]") { try $0.beginObject() } }
    #expect(problem.expected == "an object")
    #expect(problem.found == "'['")
  }

  @Test func noticesOneDuplicateAmongManyKeys() throws {
    var text = (0..<5000).map { "\"model.layers.\($0).weight\":0" }
    func count(_ keys: [String]) throws -> Int {
      try scan("{" + keys.joined(separator: ",") + "}") { scanner in
        var seen = JSONKeySet()
        var count = 0
        try scanner.beginObject()
        while try scanner.nextKey(notIn: &seen) != nil {
          _ = try scanner.unsigned()
          count += 1
        }
        return count
      }
    }
    #expect(try count(text) == 5000)
    text.append(#""model.l\u0061yers.17.weight":0"#)
    let problem = try #require(throws: Problem.self) { try count(text) }
    #expect(problem.what.contains(#"the key "model.layers.17.weight" occurs twice"#))
  }

  /// Whatever the bytes are, reading ends with a value or a problem.
  @Test(arguments: 0..<40) func neverTraps(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let letters = Array("{}[]:,\"\\u0d8e-+.1tfn \n\u{e9}".utf8) + [0xff, 0x00, 0xed]
    for _ in 0..<500 {
      let text = (0..<Int.random(in: 0...24, using: &random)).map { _ in
        letters[Int.random(in: letters.indices, using: &random)]
      }
      guard let value = try? JSONValue(parsing: text) else { continue }
      #expect(try JSONValue(parsing: Array(value.text().utf8)) == value)
    }
  }
}
