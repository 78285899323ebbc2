import Tensors

// Eight values at a time are a point of a grid of -1, 0 and 1, moved up or down by an eighth.

/// How far the points are moved.
private let shift: Float = 0.125

/// The values of a point.
@inline(__always)
private func eight(_ index: Int, isDown: Bool, _ scale: Float) -> SIMD8<Float> {
  scale * (Grid.iq1[index & 2047] + (isDown ? -shift : shift))
}

/// d in F16, 32 × the low eight bits of a point, eight words that hold for 32 values each three high
/// bits of four points, a scale of three bits and the direction of the shift.
enum IQ1S: BlockFormat {
  static let type = ScalarType.iq1S
  static let group = 32

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    let scale = block.half(0)
    for part in 0..<8 {
      let word = Int(block.word(34 + 2 * part))
      let d = scale * Float(2 * (word >> 12 & 7) + 1)
      for lane in 0..<4 {
        let index = Int(block[2 + 4 * part + lane]) | (word >> (3 * lane) & 7) << 8
        values.put(eight(index, isDown: word >> 15 == 1, d), at: 32 * part + 8 * lane)
      }
    }
  }
}

/// 32 × the low eight bits of a point, 32 × its three high bits and the direction of its shift, four
/// words that hold four scales of three bits for 16 values each and four bits of d in F16.
enum IQ1M: BlockFormat {
  static let type = ScalarType.iq1M
  static let group = 16

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    let scale = self.scale(block)
    for point in 0..<32 {
      let part = point >> 1
      let word = block.word(48 + 2 * (part >> 2))
      let d = scale * Float(2 * (word >> (3 * UInt16(part & 3)) & 7) + 1)
      let high = block.nibble(32, point)
      let index = Int(block[point]) | Int(high & 7) << 8
      values.put(eight(index, isDown: high >> 3 == 1, d), at: 8 * point)
    }
  }

  private static func scale(_ block: BlockBytes) -> Float {
    FloatBits.float(
      f16: (0..<4).reduce(0) { $0 | (block.word(48 + 2 * $1) >> 12) << (4 * UInt16($1)) })
  }
}
