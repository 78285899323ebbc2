extension FloatBits {
  /// The F32 value of F8_E4M3 bits (no infinities, NaN where all but the sign are set); exact.
  @inlinable
  public static func float(f8E4M3 bits: UInt8) -> Float {
    let sign = UInt32(bits & 0x80) << 24
    let magnitude = UInt32(bits & 0x7f)
    // A NaN keeps its sign; 0x7fc0_0000 is the quiet NaN of F32.
    if magnitude == 0x7f { return Float(bitPattern: sign | 0x7fc0_0000) }
    // As for F16: the fraction has 3 of 23 bits, and 1 has the exponent 7 where F32 has 127.
    let scaled = Float(bitPattern: magnitude << 20) * 0x1p120
    return Float(bitPattern: sign | scaled.bitPattern)
  }

  /// The F32 value of F8_E5M2 bits, the upper half of an F16; exact.
  @inlinable
  public static func float(f8E5M2 bits: UInt8) -> Float { float(f16: UInt16(bits) << 8) }

  /// The F32 value of F8_E8M0 bits, 2^(bits - 127), and NaN for 255; exact.
  @inlinable
  public static func float(f8E8M0 bits: UInt8) -> Float {
    switch bits {
    case 0: 0x1p-127  // subnormal in F32: its exponent bits are 0, too
    case 255: .nan
    default: Float(bitPattern: UInt32(bits) << 23)
    }
  }
}
