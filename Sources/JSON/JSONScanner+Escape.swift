import Diagnostics

extension JSONScanner {
  /// Reads one escape, of which the next byte is the backslash.
  mutating func escape() throws -> Unicode.Scalar {
    let start = position
    position += 1
    let letter = current
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try scalar(from: start)
    default: throw problem("an unknown escape", at: start)
    }
  }

  /// The scalar of `\uXXXX`, of which the digits come next, or of two that form a pair.
  private mutating func scalar(from start: Int) throws -> Unicode.Scalar {
    let first = try fourDigits(from: start)
    if let scalar = Unicode.Scalar(first) { return scalar }
    // The first half of a pair is 0xd800 to 0xdbff, the second 0xdc00 to 0xdfff; each carries ten bits.
    guard first < 0xdc00, current == UInt8(ascii: "\\"), position + 1 < count,
      bytes[position + 1] == UInt8(ascii: "u")
    else { throw problem("a lone surrogate", at: start) }
    position += 2
    let second = try fourDigits(from: start)
    guard 0xdc00...0xdfff ~= second,
      let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
    else { throw problem("a lone surrogate", at: start) }
    return scalar
  }

  private mutating func fourDigits(from start: Int) throws -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      let digit: UInt8 =
        switch current {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): current - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): current - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): current - UInt8(ascii: "A") + 10
        default: throw problem("an escape without four hexadecimal digits", at: start)
        }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }
}
