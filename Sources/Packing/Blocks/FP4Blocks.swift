import Tensors

/// Twice the values of E2M1; ggml knows no negative zero here.
private let levels = SIMD16<Float>(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12)

/// Writes values of four bits, the low halves of all bytes before the high ones.
@inline(__always)
private func expand(
  _ block: BlockBytes, _ bytes: Range<Int>, _ scale: Float,
  into values: UnsafeMutablePointer<Float>
) {
  let scaled = scale * levels
  for place in bytes {
    let lane = place &- bytes.lowerBound
    values[lane] = scaled[Int(block[place] & 15)]
    values[lane &+ bytes.count] = scaled[Int(block[place] >> 4)]
  }
}

/// A power of two in E8M0, then 32 × E2M1.
enum MXFP4: BlockFormat {
  static let type = ScalarType.mxfp4
  static let group = 32

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    expand(block, 1..<17, half(block[0]), into: values)
  }

  /// Half of 2^(e - 127), for levels that are doubled; the smallest two are subnormal.
  static func half(_ exponent: UInt8) -> Float {
    Float(bitPattern: exponent < 2 ? 0x0020_0000 << UInt32(exponent) : UInt32(exponent - 1) << 23)
  }
}

/// Four scales in E4M3 without a sign, for 16 values each, then 64 × E2M1.
enum NVFP4: BlockFormat {
  static let type = ScalarType.nvfp4
  static let group = 16

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    for part in 0..<4 {
      let start = 4 + 8 * part
      expand(block, start..<start + 8, half(block[part]), into: values + 16 * part)
    }
  }

  /// Half of the scale, for levels that are doubled; the code that is no number elsewhere is zero, the
  /// sign bit is ignored otherwise.
  private static func half(_ code: UInt8) -> Float {
    guard code != 0x7f else { return 0 }
    let (exponent, mantissa) = (UInt32(code >> 3 & 15), UInt32(code & 7))
    guard exponent > 0 else { return Float(mantissa) * 0x1p-10 }
    return Float(bitPattern: (exponent + 119) << 23 | mantissa << 20)
  }
}
