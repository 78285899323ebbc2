import Tensors

/// 32 values of four bits, the low halves of all bytes before the high ones.
private enum Nibbles {
  @inline(__always)
  static func forEach(
    _ block: BlockBytes, _ start: Int, _ body: (_ place: Int, _ value: Int32) -> Void
  ) {
    for lane in 0..<16 {
      let byte = block[start &+ lane]
      body(lane, Int32(byte & 15))
      body(lane &+ 16, Int32(byte >> 4))
    }
  }
}

/// `d · (q - 8)`: a scale in F16, then 32 × 4 bits.
enum Q4Zero: BlockFormat {
  static let type = ScalarType.q4Zero
  static let group = 32

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    let scale = block.half(0)
    Nibbles.forEach(block, 2) { values[$0] = scale * Float($1 &- 8) }
  }
}

/// `d · q + m`: scale and minimum in F16, then 32 × 4 bits.
enum Q4One: BlockFormat {
  static let type = ScalarType.q4One
  static let group = 32

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    let (scale, minimum) = (block.half(0), block.half(2))
    Nibbles.forEach(block, 4) { values[$0] = scale * Float($1) + minimum }
  }
}

/// `d · (q - 16)`: a scale in F16, the fifth bits of all values, then their 32 × 4 low bits.
enum Q5Zero: BlockFormat {
  static let type = ScalarType.q5Zero
  static let group = 32

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    let (scale, fifths) = (block.half(0), block.longWord(2))
    Nibbles.forEach(block, 6) { place, low in
      values[place] = scale * Float((low | fifths.bit(place) << 4) &- 16)
    }
  }
}

/// `d · q + m`: scale and minimum in F16, the fifth bits of all values, then their 32 × 4 low bits.
enum Q5One: BlockFormat {
  static let type = ScalarType.q5One
  static let group = 32

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    let (scale, minimum, fifths) = (block.half(0), block.half(2), block.longWord(4))
    Nibbles.forEach(block, 8) { place, low in
      values[place] = scale * Float(low | fifths.bit(place) << 4) + minimum
    }
  }
}

extension UInt32 {
  /// One bit.
  @inline(__always)
  fileprivate func bit(_ place: Int) -> Int32 {
    Int32(truncatingIfNeeded: self &>> UInt32(truncatingIfNeeded: place)) & 1
  }
}
