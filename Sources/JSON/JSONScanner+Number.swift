import Diagnostics

extension JSONScanner {
  /// Reads an integer that is not negative, without sign, fraction and exponent.
  public mutating func unsigned() throws -> UInt64 {
    skipWhitespace()
    let start = position
    var value: UInt64 = 0
    while position < count, case let digit = bytes[position] &- UInt8(ascii: "0"), digit < 10 {
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(UInt64(digit))
      if overflow || carry { throw outOfRange(start) }
      value = sum
      position += 1
    }
    guard position > start else { throw unexpected("an integer that is not negative") }
    try refuseLeadingZero(start)
    switch current {
    case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
      throw unexpected("an integer that is not negative")
    default: return value
    }
  }

  /// Reads a number of any kind.
  public mutating func number() throws -> JSONValue {
    skipWhitespace()
    if let notFinite = notFinite() { return .notFinite(notFinite) }
    let start = position
    if current == UInt8(ascii: "-") { position += 1 }
    let isInteger = try skipNumber(from: position)
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, text != "-0" {
      if let number = Int64(text) { return .integer(number) }
      if let number = UInt64(text) { return .unsigned(number) }
      throw outOfRange(start)
    }
    guard let number = Double(text), number.isFinite else { throw outOfRange(start) }
    return .double(number, text: text)
  }

  /// Steps over a number of any size.
  mutating func skipNumber() throws {
    skipWhitespace()
    if notFinite() != nil { return }
    if current == UInt8(ascii: "-") { position += 1 }
    _ = try skipNumber(from: position)
  }

  /// Reads a number that is not finite, where the dialect has such.
  private mutating func notFinite() -> JSONDialect.NotFinite? {
    guard dialect == .python else { return nil }
    if take("Infinity") { return .infinity }
    if take("-Infinity") { return .minusInfinity }
    return take("NaN") ? .nan : nil
  }

  /// Steps over a number after its sign.
  /// - Returns: whether it has neither fraction nor exponent.
  private mutating func skipNumber(from start: Int) throws -> Bool {
    try skipDigits()
    try refuseLeadingZero(start)
    let end = position
    if current == UInt8(ascii: ".") {
      position += 1
      try skipDigits()
    }
    if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
      position += 1
      if current == UInt8(ascii: "-") || current == UInt8(ascii: "+") { position += 1 }
      try skipDigits()
    }
    return position == end
  }

  private mutating func skipDigits() throws {
    guard isDigit else { throw unexpected("a digit") }
    while isDigit { position += 1 }
  }

  private var isDigit: Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= current }

  private func refuseLeadingZero(_ start: Int) throws {
    if bytes[start] == UInt8(ascii: "0"), position - start > 1, bytes[start + 1] & 0xf0 == 0x30 {
      throw problem("a number with a leading zero", at: start)
    }
  }

  private func outOfRange(_ start: Int) -> Problem {
    problem(
      "a number out of range", at: start, expected: "an integer of 64 bits or a finite double")
  }
}
