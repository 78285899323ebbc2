/// The content of a JSON string where it stands in the source, checked but not copied.
///
/// Valid only as long as the bytes that were scanned.
public struct JSONText {
  /// The bytes between the quotes, escapes not undone.
  public let bytes: UnsafeRawBufferPointer
  /// Whether there are escapes.
  public let hasEscapes: Bool

  /// The content as a string.
  /// - Cost: one allocation where the text is longer than 15 bytes.
  public var string: String {
    hasEscapes ? String(decoding: decoded, as: UTF8.self) : String(decoding: bytes, as: UTF8.self)
  }

  /// The content as UTF-8 with the escapes undone.
  public var decoded: [UInt8] {
    guard hasEscapes else { return Array(bytes) }
    var result: [UInt8] = []
    var scanner = JSONScanner(bytes)
    while scanner.position < bytes.count {
      if scanner.current == UInt8(ascii: "\\"), let scalar = try? scanner.escape() {
        result += String(Character(scalar)).utf8
      } else {
        result.append(scanner.current)
        scanner.position += 1
      }
    }
    return result
  }

  /// Whether the content is that word.
  /// - Cost: no heap use unless there are escapes.
  public func isEqual(to word: StaticString) -> Bool {
    let other = UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
    return hasEscapes ? decoded.elementsEqual(other) : isSame(other)
  }

  /// Whether two strings have the same content.
  public func isEqual(to other: JSONText) -> Bool {
    if hasEscapes || other.hasEscapes { return decoded == other.decoded }
    return isSame(other.bytes)
  }

  private func isSame(_ other: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count == other.count else { return false }
    var position = 0
    while position + 8 <= bytes.count {
      let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
      if word != other.loadUnaligned(fromByteOffset: position, as: UInt64.self) { return false }
      position += 8
    }
    while position < bytes.count, bytes[position] == other[position] { position += 1 }
    return position == bytes.count
  }

  /// The place of the content in the text it was scanned from.
  /// - Units: bytes.
  public func start(in source: UnsafeRawBufferPointer) -> Int {
    guard let base = source.baseAddress, let address = bytes.baseAddress else { return 0 }
    return address - base
  }
}
