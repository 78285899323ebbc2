/// Bytes written as letters, four for three bytes.
///
/// Source: RFC 4648, section 4; nothing but the alphabet and its padding is taken.
enum Base64 {
  private static let letters = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// The six bits of each letter; nil where it stands for none.
  private static let bits: [UInt8?] = {
    var bits: [UInt8?] = Array(repeating: nil, count: 256)
    for (value, letter) in letters.enumerated() { bits[Int(letter)] = UInt8(value) }
    return bits
  }()

  /// The bytes that letters stand for; nil where they are no base64.
  static func bytes(of text: some RandomAccessCollection<UInt8>) -> [UInt8]? {
    let padding = text.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
    guard text.count % 4 == 0 else { return nil }
    var bytes: [UInt8] = []
    var (held, count) = (UInt32(0), 0)
    for letter in text.dropLast(padding) {
      guard let value = bits[Int(letter)] else { return nil }
      (held, count) = (held << 6 | UInt32(value), count + 6)
      guard count >= 8 else { continue }
      count -= 8
      bytes.append(UInt8(truncatingIfNeeded: held >> count))
      held &= 1 << count - 1
    }
    // Bits behind the last byte are zero, so that there is one spelling for each text.
    return held == 0 ? bytes : nil
  }
}
