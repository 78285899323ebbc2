/// One step of a regular expression.
enum PatternStep: Equatable {
  case byte(ByteSet)
  case either(Int, Int)
  case jump(Int)
  case atStart, atEnd
  /// All has been matched.
  case end
}

/// A set of ASCII bytes.
struct ByteSet: Equatable {
  private var low: UInt64 = 0
  private var high: UInt64 = 0

  init(_ bytes: some Sequence<UInt8>) {
    for byte in bytes where byte < 64 { low |= 1 << byte }
    for byte in bytes where (64..<128).contains(byte) { high |= 1 << (byte - 64) }
  }

  func contains(_ byte: UInt8) -> Bool {
    byte < 64 ? low >> byte & 1 == 1 : byte < 128 && high >> (byte - 64) & 1 == 1
  }

  var inverted: ByteSet {
    var other = self
    (other.low, other.high) = (~low, ~high)
    return other
  }

  func union(_ other: ByteSet) -> ByteSet {
    var both = self
    (both.low, both.high) = (low | other.low, high | other.high)
    return both
  }

  static let any = ByteSet([]).inverted
  static let digits = ByteSet(0x30...0x39)
  static let letters = ByteSet(0x41...0x5a).union(ByteSet(0x61...0x7a)).union(digits)
    .union(ByteSet([0x5f]))
  static let spaces = ByteSet([0x20, 0x09, 0x0a, 0x0b, 0x0c, 0x0d])
}
