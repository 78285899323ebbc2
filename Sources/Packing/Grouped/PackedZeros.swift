import Tensors

/// Zero points that are packed along the rows of a weight: a stream of codes for each group, whose words
/// lie as far apart as there are groups.
struct PackedZeros: Sendable {
  let region: ByteRegion
  /// The width of a code.
  /// - Units: bits.
  let width: Int
  /// The code that stands for zero.
  let zero: Int
  /// The groups of a row.
  let count: Int
  /// The rows of a matrix.
  let rows: Int

  /// The words of a stream over some rows.
  static func words(rows: Int, width: Int) -> Int { (rows * width + 31) / 32 }

  /// Writes the zero points of some groups of a row.
  func load(_ row: Int, _ groups: Range<Int>, into zeros: UnsafeMutablePointer<Float>) throws {
    let (matrix, inside) = row.quotientAndRemainder(dividingBy: rows)
    let (word, shift) = (inside * width).quotientAndRemainder(dividingBy: 32)
    let words = shift + width > 32 ? 2 : 1
    let start = (matrix * Self.words(rows: rows, width: width) + word) * count * 4
    try region.withBytes(in: start..<start + words * count * 4) { bytes in
      for (place, group) in groups.enumerated() {
        let low = bytes.loadUnaligned(fromByteOffset: group * 4, as: UInt32.self)
        let high =
          words == 2 ? bytes.loadUnaligned(fromByteOffset: (count + group) * 4, as: UInt32.self) : 0
        let code = (UInt64(high) << 32 | UInt64(low)) >> UInt64(shift) & (1 << UInt64(width) - 1)
        zeros[place] = Float(Int(code) - zero)
      }
    }
  }
}
