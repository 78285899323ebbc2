/// Codes of equal width that lie one after the other in little-endian bits, across the ends of words.
///
/// ```
/// 3 bits   byte 0: b b a a a a a a → code 0 is bits 0-2, code 1 bits 3-5, code 2 bits 6-8, …
/// ```
struct BitStream {
  let bytes: UnsafeRawBufferPointer
  /// The width of a code.
  /// - Units: bits, from 1 to 8.
  let width: Int

  /// The code at a place.
  /// - Precondition: all its bits lie inside the bytes.
  @inline(__always)
  subscript(index: Int) -> Int {
    let bit = index * width
    let (byte, shift) = (bit >> 3, bit & 7)
    let low = Int(bytes[byte]) >> shift
    let rest = shift + width > 8 ? Int(bytes[byte + 1]) << (8 - shift) : 0
    return (low | rest) & (1 << width - 1)
  }
}
