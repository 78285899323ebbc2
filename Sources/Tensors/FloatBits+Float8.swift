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

  /// The F8_E4M3 bits nearest to an F32 value, 448 at most; those of NaN for a NaN.
  @inlinable
  public static func f8E4M3(_ value: Float) -> UInt8 {
    let sign = UInt8(truncatingIfNeeded: (value.bitPattern >> 24) & 0x80)
    if value.isNaN { return sign | 0x7f }
    return sign | UInt8(truncatingIfNeeded: magnitude8(value.magnitude))
  }

  /// The bits of a magnitude; rounding is that of `f16(_:)`, where its constants are derived.
  @inlinable
  static func magnitude8(_ magnitude: Float) -> UInt32 {
    let bits = min(magnitude, 448).bitPattern
    // Below 2^-6, the smallest normal number, numbers are multiples of 2^-9, as F32 has them from 2^14 on.
    if magnitude < 0x1p-6 { return (magnitude + 0x1p14).bitPattern &- Float(0x1p14).bitPattern }
    // 20 bits of the fraction go; 127 - 7 comes off the exponent.
    return (bits &+ 0x7_ffff &+ ((bits >> 20) & 1) &- 0x3c00_0000) >> 20
  }

  /// The F8_E4M3 bits nearest to F32 values, 448 at most, and what they stand for.
  /// - Precondition: none is a NaN.
  @inlinable
  public static func f8E4M3(_ values: SIMD8<Float>) -> (SIMD8<UInt8>, SIMD8<Float>) {
    let bits = unsafeBitCast(values, to: SIMD8<UInt32>.self)
    let sign = bits & 0x8000_0000
    var size = unsafeBitCast(bits & 0x7fff_ffff, to: SIMD8<Float>.self)
    size.replace(with: 448, where: size .> 448)
    let whole = unsafeBitCast(size, to: SIMD8<UInt32>.self)
    // Both results are computed for every lane, and the right one is kept.
    let normal = (whole &+ 0x7_ffff &+ ((whole &>> 20) & 1) &- 0x3c00_0000) &>> 20
    let small = unsafeBitCast(size + 0x1p14, to: SIMD8<UInt32>.self) &- Float(0x1p14).bitPattern
    let code = normal.replacing(with: small, where: size .< 0x1p-6)
    let back = unsafeBitCast(code &<< 20, to: SIMD8<Float>.self) * 0x1p120
    let signed = unsafeBitCast(back, to: SIMD8<UInt32>.self) | sign
    return (
      SIMD8<UInt8>(truncatingIfNeeded: code | sign &>> 24),
      unsafeBitCast(signed, to: SIMD8<Float>.self)
    )
  }
}
