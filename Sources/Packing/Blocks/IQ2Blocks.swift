import Tensors

// Eight values at a time are a point of a grid, with signs of their own, times a scale of four bits.

/// The scale of a part: a half more than its four bits, times a quarter of that of the block.
@inline(__always)
private func part(_ scale: Float, _ bits: UInt8) -> Float { scale * (0.5 + Float(bits)) * 0.25 }

/// d in F16, then for each 32 values four points and a word of four sign patterns and a scale.
enum IQ2XXS: BlockFormat {
  static let type = ScalarType.iq2XXS
  static let group = 32

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    let scale = block.half(0)
    for index in 0..<8 {
      let start = 2 + 8 * index
      let word = block.longWord(start + 4)
      let d = part(scale, UInt8(word >> 28))
      for lane in 0..<4 {
        let point = Grid.iq2XXS[Int(block[start + lane])]
        let signs = Signs.even(word >> UInt32(7 * lane))
        values.put(d * point * signs, at: 32 * index + 8 * lane)
      }
    }
  }
}

/// d in F16, 32 words of a point in nine bits and a sign pattern in seven, 16 scales of four bits.
enum IQ2XS: BlockFormat {
  static let type = ScalarType.iq2XS
  static let group = 16

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    let scale = block.half(0)
    for index in 0..<32 {
      let word = block.word(2 + 2 * index)
      let d = part(scale, block.nibble(66, index >> 1))
      let point = Grid.iq2XS[Int(word & 511)]
      values.put(d * point * Signs.even(UInt32(word >> 9)), at: 8 * index)
    }
  }
}

/// d in F16, 32 × the low eight bits of a point, 32 × eight signs, 32 × the two high bits of a point,
/// 16 scales of four bits.
enum IQ2S: BlockFormat {
  static let type = ScalarType.iq2S
  static let group = 16

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    let scale = block.half(0)
    for index in 0..<32 {
      let d = part(scale, block.nibble(74, index >> 1))
      let high = block[66 + index >> 2] >> (2 * UInt8(index & 3)) & 3
      let point = Grid.iq2S[Int(block[2 + index]) | Int(high) << 8]
      values.put(d * point * Signs.eight(block[34 + index]), at: 8 * index)
    }
  }
}
