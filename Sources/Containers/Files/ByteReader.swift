import Diagnostics

/// Reads little-endian numbers from bytes, front to back and never past their end.
struct ByteReader {
  /// All bytes.
  let bytes: UnsafeRawBufferPointer
  /// Where the next number is.
  private(set) var position: Int
  private let end: Int

  /// Reads a range, which must lie inside the bytes.
  init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
  }

  /// Reads all bytes.
  init(_ bytes: UnsafeRawBufferPointer) { self.init(bytes, 0..<bytes.count) }

  /// Whether nothing is left.
  var isAtEnd: Bool { position == end }

  /// The next number.
  /// - Throws: `Problem` of kind `invalid` where it would end outside.
  mutating func next<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws -> Number
  {
    let range = try take(MemoryLayout<Number>.size)
    return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: range.lowerBound, as: type))
  }

  /// The place of the next bytes.
  /// - Throws: `Problem` of kind `invalid` where they would end outside.
  mutating func take(_ count: some BinaryInteger) throws -> Range<Int> {
    guard count >= 0, count <= end - position else {
      throw Problem(
        .invalid, "the data ends too early", expected: "\(count) bytes at offset \(position)",
        found: "\(end - position) bytes")
    }
    let range = position..<position + Int(count)
    position = range.upperBound
    return range
  }

  /// The next bytes as text.
  /// - Throws: `Problem` of kind `invalid` where they would end outside or are not UTF-8.
  mutating func text(_ count: some BinaryInteger) throws -> String {
    let range = try take(count)
    guard let text = String(validating: bytes[range], as: UTF8.self) else {
      throw Problem(.invalid, "text that is not UTF-8 at offset \(range.lowerBound)")
    }
    return text
  }
}
