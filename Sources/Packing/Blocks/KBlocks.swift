import Tensors

// Blocks of 256 values in parts of 16 or 32, each with a small scale of its own that is itself a
// multiple of the scale of the block.

/// `d · s · q - m · t`: 16 pairs of 4-bit scale s and minimum t, 256 × 2 bits, d and m in F16.
enum Q2K: BlockFormat {
  static let type = ScalarType.q2K
  static let group = 16

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    let (scale, minimum) = (block.half(80), block.half(82))
    for part in 0..<16 {
      let pair = block[part]
      let (d, m) = (scale * Float(pair & 15), minimum * Float(pair >> 4))
      let start = TwoBits.start(part)
      for lane in 0..<16 {
        values[16 &* part &+ lane] =
          d * Float(TwoBits.value(block[16 &+ start &+ lane], part)) - m
      }
    }
  }
}

/// `d · (s - 32) · q`: the third bits of all values, 256 × 2 bits, 16 scales s of 6 bits, d in F16.
/// A value is four less where its third bit is not set.
enum Q3K: BlockFormat {
  static let type = ScalarType.q3K
  static let group = 16

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    let scale = block.half(108)
    for part in 0..<16 {
      let d = scale * Float(self.scale(block, part))
      let start = TwoBits.start(part)
      for lane in 0..<16 {
        let third = block[16 &* (part & 1) &+ lane] &>> UInt8(truncatingIfNeeded: part >> 1) & 1
        let low = TwoBits.value(block[32 &+ start &+ lane], part)
        values[16 &* part &+ lane] = d * Float(Int32(low | third << 2) &- 4)
      }
    }
  }

  /// The low four bits of all scales come first, then their two high ones.
  private static func scale(_ block: BlockBytes, _ part: Int) -> Int32 {
    let low = block[96 + part & 7] >> (4 * UInt8(part >> 3)) & 15
    let high = block[104 + part & 3] >> (2 * UInt8(part >> 2)) & 3
    return Int32(low | high << 4) - 32
  }
}

/// Two bits of each of 256 values: 32 bytes hold four rows of 32, the first in their lowest bits.
private enum TwoBits {
  /// Where the bytes of 16 values begin.
  @inline(__always)
  static func start(_ part: Int) -> Int { 32 &* (part >> 3) &+ 16 &* (part & 1) }

  @inline(__always)
  static func value(_ byte: UInt8, _ part: Int) -> UInt8 {
    byte &>> UInt8(truncatingIfNeeded: part & 6) & 3
  }
}

/// `d · s · q - m · t`: d and m in F16, eight pairs of 6-bit scale s and minimum t, 256 × 4 bits.
enum Q4K: BlockFormat {
  static let type = ScalarType.q4K
  static let group = 32

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    for pair in 0..<4 {
      let (low, high) = (SixBits(block, 2 &* pair), SixBits(block, 2 &* pair &+ 1))
      let (source, target) = (16 &+ 32 &* pair, values + 64 &* pair)
      for lane in 0..<32 {
        let byte = block[source &+ lane]
        target[lane] = low.scale * Float(byte & 15) - low.minimum
        target[32 &+ lane] = high.scale * Float(byte >> 4) - high.minimum
      }
    }
  }
}

/// As Q4_K, with the fifth bits of all values before the others.
enum Q5K: BlockFormat {
  static let type = ScalarType.q5K
  static let group = 32

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    for pair in 0..<4 {
      let (low, high) = (SixBits(block, 2 &* pair), SixBits(block, 2 &* pair &+ 1))
      let (source, target) = (48 &+ 32 &* pair, values + 64 &* pair)
      let shift = UInt8(truncatingIfNeeded: 2 &* pair)
      for lane in 0..<32 {
        let (byte, fifths) = (block[source &+ lane], block[16 &+ lane] &>> shift)
        target[lane] = low.scale * Float(byte & 15 | (fifths & 1) << 4) - low.minimum
        target[32 &+ lane] = high.scale * Float(byte >> 4 | (fifths & 2) << 3) - high.minimum
      }
    }
  }
}

/// Scale and minimum of 32 values of Q4_K and Q5_K: those of the first four parts lie in the low six
/// bits of eight bytes, the others in the four bytes that follow and the two bits that are left.
struct SixBits {
  let scale: Float
  let minimum: Float

  init(_ block: BlockBytes, _ part: Int) {
    let (first, second, third) = (4 + part & 3, 8 + part & 3, 12 + part & 3)
    if part < 4 {
      scale = block.half(0) * Float(block[first] & 63)
      minimum = block.half(2) * Float(block[second] & 63)
    } else {
      scale = block.half(0) * Float(block[third] & 15 | (block[first] >> 6) << 4)
      minimum = block.half(2) * Float(block[third] >> 4 | (block[second] >> 6) << 4)
    }
  }
}

/// `d · s · (q - 32)`: 256 × 4 low bits, 256 × 2 high bits, 16 scales s in I8, d in F16.
enum Q6K: BlockFormat {
  static let type = ScalarType.q6K
  static let group = 16

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    let scale = block.half(208)
    for part in 0..<16 {
      let d = scale * Float(block.signed(192 &+ part))
      let row = part >> 1 & 3
      let low = 64 &* (part >> 3) &+ 32 &* (row & 1) &+ 16 &* (part & 1)
      let high = 128 &+ TwoBits.start(part)
      let shift = UInt8(truncatingIfNeeded: 4 &* (row >> 1))
      for lane in 0..<16 {
        let bits = block[low &+ lane] &>> shift & 15
        let more = TwoBits.value(block[high &+ lane], part)
        values[16 &* part &+ lane] = d * Float(Int32(bits | more << 4) &- 32)
      }
    }
  }
}
