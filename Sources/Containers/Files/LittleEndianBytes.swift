/// Bytes put together from little-endian numbers.
struct LittleEndianBytes {
  /// The bytes so far.
  var bytes: [UInt8] = []

  /// Appends numbers of one width.
  mutating func append<Number: FixedWidthInteger>(_ numbers: Number...) {
    for number in numbers {
      withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }
  }
}
