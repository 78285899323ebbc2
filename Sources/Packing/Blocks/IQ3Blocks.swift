import Tensors

// Four values at a time are a point of a grid; eight have signs of their own.

/// Eight values: two points one after the other, with their signs.
@inline(__always)
private func eight(
  _ low: SIMD4<Float>, _ high: SIMD4<Float>, _ scale: Float, _ signs: SIMD8<Float>
) -> SIMD8<Float> {
  scale * SIMD8(lowHalf: low, highHalf: high) * signs
}

/// d in F16, 64 points, then for each 32 values a word of four sign patterns and a scale.
enum IQ3XXS: BlockFormat {
  static let type = ScalarType.iq3XXS
  static let group = 32

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    let scale = block.half(0)
    for index in 0..<32 {
      let word = block.longWord(66 + 4 * (index >> 2))
      let d = scale * (0.5 + Float(word >> 28)) * 0.5
      let (low, high) = (block[2 + 2 * index], block[3 + 2 * index])
      let signs = Signs.even(word >> UInt32(7 * (index & 3)))
      values.put(
        eight(Grid.iq3XXS[Int(low)], Grid.iq3XXS[Int(high)], d, signs), at: 8 * index)
    }
  }
}

/// d in F16, 64 × the low eight bits of a point, 64 × its ninth bit, 32 × eight signs, eight scales of
/// four bits, each an odd multiple of d.
enum IQ3S: BlockFormat {
  static let type = ScalarType.iq3S
  static let group = 32

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    let scale = block.half(0)
    for index in 0..<32 {
      let d = scale * Float(1 + 2 * block.nibble(106, index >> 2))
      let ninths = block[66 + index >> 2] >> (2 * UInt8(index & 3))
      let low = Int(block[2 + 2 * index]) | Int(ninths & 1) << 8
      let high = Int(block[3 + 2 * index]) | Int(ninths & 2) << 7
      let signs = Signs.eight(block[74 + index])
      values.put(eight(Grid.iq3S[low], Grid.iq3S[high], d, signs), at: 8 * index)
    }
  }
}
