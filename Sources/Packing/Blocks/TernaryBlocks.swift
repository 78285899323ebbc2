import Tensors

/// `d · (q - 1)`: 48 bytes of five digits of base three, four bytes of four, d in F16.
///
/// A byte is a fraction of 256 that is a little more than that of its digits of 243, so that a digit is
/// what a product with three carries over after the digits before it were shifted out.
enum TQ1Zero: BlockFormat {
  static let type = ScalarType.tq1Zero
  static let group = 256

  /// Bytes whose digits lie apart by as many values as there are bytes.
  private static let groups = [(bytes: 0..<32, digits: 5), (32..<48, 5), (48..<52, 4)]

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    let scale = block.half(52)
    var target = values
    for (bytes, digits) in groups {
      var power: UInt8 = 1
      for _ in 0..<digits {
        for place in bytes {
          let digit = (Int32(block[place] &* power) * 3) >> 8
          target[place - bytes.lowerBound] = scale * Float(digit - 1)
        }
        target += bytes.count
        power *= 3
      }
    }
  }
}

/// `d · (q - 1)`: 256 × 2 bits, 32 bytes for four rows of 32 values, then d in F16.
enum TQ2Zero: BlockFormat {
  static let type = ScalarType.tq2Zero
  static let group = 256

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    let scale = block.half(64)
    for row in 0..<8 {
      let start = 32 &* (row >> 2)
      let shift = UInt8(truncatingIfNeeded: row & 3) << 1
      for lane in 0..<32 {
        let value = Int32(block[start &+ lane] &>> shift & 3)
        values[32 &* row &+ lane] = scale * Float(value &- 1)
      }
    }
  }
}

/// `d · (q - 1)`: d in F16, then 64 × 2 bits one after the other.
enum Q2Zero: BlockFormat {
  static let type = ScalarType.q2Zero
  static let group = 64

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    let scale = block.half(0)
    for index in 0..<64 {
      let shift = UInt8(truncatingIfNeeded: index & 3) << 1
      let value = Int32(block[2 &+ index >> 2] &>> shift & 3)
      values[index] = scale * Float(value &- 1)
    }
  }
}

/// d or -d: d in F16, then 128 bits one after the other, set for d.
enum Q1Zero: BlockFormat {
  static let type = ScalarType.q1Zero
  static let group = 128

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    let scale = block.half(0)
    for index in 0..<128 {
      let bit = block[2 &+ index >> 3] &>> UInt8(truncatingIfNeeded: index & 7) & 1
      values[index] = bit == 1 ? scale : -scale
    }
  }
}
