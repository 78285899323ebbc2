import Diagnostics

/// A strict pull scanner for JSON text after RFC 8259, for input that nobody has checked.
///
/// The caller asks for what must come next; anything else throws with the place. Nothing is copied
/// unless a caller asks for a `String`.
/// ```
/// try scanner.beginObject()
/// while let key = try scanner.nextKey() { … one value … }
/// try scanner.end()
/// ```
/// Refused, beyond what the grammar refuses: a byte order mark, invalid UTF-8, lone surrogates,
/// U+0000 in a key, integers beyond 64 bits, numbers beyond a double, deep nesting.
/// - Cost: no heap use; several hundred MB/s.
public struct JSONScanner {
  /// The kinds of values that can come next.
  public enum Kind: Hashable, Sendable {
    /// The value begins with its first letter, digit, quote or bracket.
    case null, bool, number, string, array, object
  }

  let bytes: UnsafeRawBufferPointer
  let count: Int
  let depthLimit: Int
  let dialect: JSONDialect
  /// The place of the next byte.
  /// - Units: bytes.
  public internal(set) var position = 0
  var depth = 0
  /// Whether the innermost container has just been opened, so that no comma may come.
  var isFirst = false

  /// A scanner at the start of a text.
  /// - Parameter bytes: must stay valid for as long as the scanner and the texts it returns.
  public init(
    _ bytes: UnsafeRawBufferPointer, _ dialect: JSONDialect = .strict, depthLimit: Int = 128
  ) {
    self.bytes = bytes
    self.dialect = dialect
    count = bytes.count
    self.depthLimit = depthLimit
  }

  /// The kind of the next value, which stays where it is.
  /// - Throws: `Problem` where no value can begin.
  public mutating func nextKind() throws -> Kind {
    skipWhitespace()
    switch current {
    case UInt8(ascii: "{"): return .object
    case UInt8(ascii: "["): return .array
    case UInt8(ascii: "\""): return .string
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
    case UInt8(ascii: "n"): return .null
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
    case UInt8(ascii: "I"), UInt8(ascii: "N"):
      guard dialect == .python else { throw unexpected("a value") }
      return .number
    default: throw unexpected("a value")
    }
  }

  /// Reads `null`.
  public mutating func null() throws {
    skipWhitespace()
    guard take("null") else { throw unexpected("null") }
  }

  /// Reads `true` or `false`.
  public mutating func bool() throws -> Bool {
    skipWhitespace()
    if take("true") { return true }
    guard take("false") else { throw unexpected("true or false") }
    return false
  }

  /// Checks that nothing but whitespace is left.
  public mutating func end() throws {
    skipWhitespace()
    guard position == count else { throw unexpected("the end of the text") }
  }

  /// The next byte, or 0 at the end, where no JSON token begins with it.
  var current: UInt8 { position < count ? bytes[position] : 0 }

  mutating func skipWhitespace() {
    while position < count {
      switch bytes[position] {
      case 0x20, 0x0a, 0x0d, 0x09: position += 1
      default: return
      }
    }
  }

  mutating func take(_ word: StaticString) -> Bool {
    let length = word.utf8CodeUnitCount
    guard count - position >= length else { return false }
    for index in 0..<length where bytes[position + index] != word.utf8Start[index] { return false }
    position += length
    return true
  }
}
