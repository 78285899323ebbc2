import Diagnostics

extension JSONScanner {
  /// Reads a string and checks its escapes and its UTF-8.
  public mutating func text() throws -> JSONText {
    skipWhitespace()
    guard current == UInt8(ascii: "\"") else { throw unexpected("a string") }
    position += 1
    let start = position
    var hasEscapes = false
    while true {
      skipPlain()
      guard position < count else {
        throw problem("the string does not end", at: start - 1)
      }
      switch bytes[position] {
      case UInt8(ascii: "\""):
        position += 1
        let content = UnsafeRawBufferPointer(rebasing: bytes[start..<position - 1])
        return JSONText(bytes: content, hasEscapes: hasEscapes)
      case UInt8(ascii: "\\"):
        hasEscapes = true
        _ = try escape()
      case 0x00..<0x20: throw unexpected("an escape for a control character")
      default: try skipMultibyte()
      }
    }
  }

  /// Steps over ASCII that stands for itself, eight bytes at a time.
  mutating func skipPlain() {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    while position + 8 <= count {
      let raw = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
      let word = UInt64(littleEndian: raw)
      // x - 1 borrows into the top bit of a byte that is 0, and `& ~x` drops the bytes that had it before. So
      // `quote` and `backslash`, zero where the byte is one, are found, and bytes below 0x20 likewise; the
      // last operand finds bytes beyond ASCII. A borrow reaches only bytes behind the first that is found.
      let quote = word ^ (ones &* 0x22)
      let backslash = word ^ (ones &* 0x5c)
      let low = (word &- ones &* 0x20) & ~word
      let found = low | ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash) | word
      if found & highs != 0 {
        position += (found & highs).trailingZeroBitCount / 8
        return
      }
      position += 8
    }
    while position < count, isPlain(bytes[position]) { position += 1 }
  }

  private func isPlain(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
  }

  private mutating func skipMultibyte() throws {
    let lead = bytes[position]
    let (length, second): (Int, ClosedRange<UInt8>) =
      switch lead {
      case 0xc2...0xdf: (2, 0x80...0xbf)
      case 0xe0: (3, 0xa0...0xbf)
      case 0xed: (3, 0x80...0x9f)
      case 0xe1...0xef: (3, 0x80...0xbf)
      case 0xf0: (4, 0x90...0xbf)
      case 0xf1...0xf3: (4, 0x80...0xbf)
      case 0xf4: (4, 0x80...0x8f)
      default: (0, 0...0)
      }
    guard length > 0, count - position >= length, second ~= bytes[position + 1],
      bytes[(position + 2)..<(position + length)].allSatisfy({ $0 & 0xc0 == 0x80 })
    else { throw problem("not UTF-8", at: position) }
    position += length
  }
}
