import Tensors

/// The 16 levels of IQ4_NL and IQ4_XS (`kvalues_iq4nl` of ggml, MIT licence), denser around zero.
private let levels = SIMD16<Float>(
  -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113)

/// Writes 32 values, the low halves of 16 bytes before the high ones.
@inline(__always)
private func expand(
  _ block: BlockBytes, _ start: Int, _ scale: Float, into values: UnsafeMutablePointer<Float>
) {
  let scaled = scale * levels
  for lane in 0..<16 {
    let byte = block[start &+ lane]
    values[lane] = scaled[Int(byte & 15)]
    values[lane &+ 16] = scaled[Int(byte >> 4)]
  }
}

/// `d · level`: a scale in F16, then 32 × 4 bits.
enum IQ4NL: BlockFormat {
  static let type = ScalarType.iq4NL
  static let group = 32

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    expand(block, 2, block.half(0), into: values)
  }
}

/// `d · (s - 32) · level`: d in F16, the high two and the low four bits of eight scales s, 256 × 4 bits.
enum IQ4XS: BlockFormat {
  static let type = ScalarType.iq4XS
  static let group = 32

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    let (scale, highs) = (block.half(0), block.word(2))
    for part in 0..<8 {
      let high = UInt8(truncatingIfNeeded: highs >> UInt16(2 * part)) & 3
      let d = scale * Float(Int32(block.nibble(4, part) | high << 4) - 32)
      expand(block, 8 + 16 * part, d, into: values + 32 * part)
    }
  }
}
