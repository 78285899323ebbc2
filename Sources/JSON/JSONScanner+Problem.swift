import Diagnostics

extension JSONScanner {
  /// A problem with the text, placed by line, column and byte.
  public func problem(
    _ what: String, at place: Int, expected: String? = nil, found: String? = nil
  ) -> Problem {
    let before = bytes[..<min(place, bytes.count)]
    let line = before.reduce(1) { $1 == 0x0a ? $0 + 1 : $0 }
    let column = before.count - (before.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0) + 1
    return Problem(
      .invalid, "bad JSON at line \(line), column \(column) (byte \(place)): \(what)",
      expected: expected, found: found)
  }

  /// The problem that the next byte is not what must come.
  func unexpected(_ expected: String) -> Problem {
    let isMark = position == 0 && bytes.starts(with: [0xef, 0xbb, 0xbf])
    return problem(
      isMark ? "a byte order mark" : "unexpected \(currentName)", at: position,
      expected: expected, found: isMark ? "EF BB BF" : currentName)
  }

  private var currentName: String {
    guard position < bytes.count else { return "end of the text" }
    let byte = bytes[position]
    if byte > 0x20, byte < 0x7f { return "'\(Character(Unicode.Scalar(byte)))'" }
    let digits = String(byte, radix: 16, uppercase: true)
    return "byte 0x" + (digits.count < 2 ? "0" : "") + digits
  }
}
