/// Conversions between F32 and the 16-bit float types, bit-exact with torch except for NaN payloads.
///
/// Rounding is to nearest, ties to even; a value beyond the largest finite F16 becomes infinite. A
/// NaN stays a NaN: it is made quiet and keeps its sign and the upper payload bits.
///
/// ```
///        sign  exponent  fraction   exponent of 1
/// F32     1       8        23           127
/// BF16    1       8         7           127
/// F16     1       5        10            15
/// ```
/// The bits of a magnitude, read as an integer, grow with the magnitude, and a carry out of the fraction
/// goes into the exponent. So rounding is an integer addition: to drop n bits, add half of what they are
/// worth less one, `2^(n-1) - 1`, and the last bit that stays. A tie then carries only where that bit
/// is odd, and goes to the even neighbour.
public enum FloatBits {
  /// The F32 value of BF16 bits; exact.
  @inlinable
  public static func float(bf16 bits: UInt16) -> Float {
    Float(bitPattern: UInt32(bits) << 16)
  }

  /// The BF16 bits nearest to an F32 value.
  @inlinable
  public static func bf16(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    // The highest bit of the fraction, 0x40, makes a NaN quiet, and keeps one whose other bits were in the
    // half that goes from becoming infinite.
    if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ ((bits >> 16) & 1)) >> 16)
  }

  /// The F32 value of F16 bits; exact.
  @inlinable
  public static func float(f16 bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let magnitude = UInt32(bits & 0x7fff)
    // From 0x7c00 on all bits of the exponent are set: infinity and NaNs. In F32 these are 0x7f80_0000.
    if magnitude >= 0x7c00 { return Float(bitPattern: sign | 0x7f80_0000 | (magnitude << 13)) }
    // The fraction moves up by 23 - 10 bits. The exponent is then read as if 1 had 127 where it has 15:
    // 2^112 times too small, also for subnormal numbers, which the product makes normal.
    let shifted = Float(bitPattern: magnitude << 13) * 0x1p112
    return Float(bitPattern: sign | shifted.bitPattern)
  }

  /// The F16 bits nearest to an F32 value.
  @inlinable
  public static func f16(_ value: Float) -> UInt16 {
    let sign = UInt16(truncatingIfNeeded: (value.bitPattern >> 16) & 0x8000)
    let magnitude = value.bitPattern & 0x7fff_ffff
    if magnitude > 0x7f80_0000 {  // a NaN, made quiet by the highest bit of the fraction
      return sign | 0x7e00 | UInt16(truncatingIfNeeded: (magnitude >> 13) & 0x3ff)
    }
    // 65520, half-way from the largest finite F16, 65504, to 2^16, is a tie that goes to infinity.
    if magnitude >= 0x477f_f000 { return sign | 0x7c00 }
    // Below 2^-14, the smallest normal F16, numbers are multiples of 2^-24. That is the distance of F32
    // numbers from 0.5 on, so that adding 0.5 rounds to such a multiple, and the bits above those of 0.5,
    // 0x3f00_0000, count them.
    if magnitude < 0x3880_0000 {
      let sum = Float(bitPattern: magnitude) + 0.5
      return sign | UInt16(truncatingIfNeeded: sum.bitPattern &- 0x3f00_0000)
    }
    // 13 bits of the fraction go; 0x3800_0000 is 127 - 15 in the exponent.
    let rounded = magnitude &+ 0x0fff &+ ((magnitude >> 13) & 1)
    return sign | UInt16(truncatingIfNeeded: (rounded &- 0x3800_0000) >> 13)
  }

  /// The value of one element, before any scale beside the tensor is applied.
  /// - Precondition: `type.isFloat` or one of the 8-bit types F8_E4M3, F8_E5M2 and F8_E8M0.
  @inlinable
  public static func load(_ bytes: UnsafeRawBufferPointer, _ index: Int, _ type: ScalarType)
    -> Float
  {
    switch type {
    case .bf16: float(bf16: bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
    case .f16: float(f16: bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
    case .f8E4M3: float(f8E4M3: bytes[index])
    case .f8E5M2: float(f8E5M2: bytes[index])
    case .f8E8M0: float(f8E8M0: bytes[index])
    case .f32: bytes.loadUnaligned(fromByteOffset: index * 4, as: Float.self)
    default: preconditionFailure("elements of this type are not floats of their own")
    }
  }

  /// Stores one element of an F32, BF16 or F16 tensor.
  /// - Returns: the value that the stored bits stand for.
  /// - Precondition: `type.isFloat`.
  @inlinable
  public static func store(
    _ value: Float, _ place: UnsafeMutableRawBufferPointer, _ index: Int, _ type: ScalarType
  ) -> Float {
    switch type {
    case .bf16:
      let bits = bf16(value)
      place.storeBytes(of: bits, toByteOffset: index * 2, as: UInt16.self)
      return float(bf16: bits)
    case .f16:
      let bits = f16(value)
      place.storeBytes(of: bits, toByteOffset: index * 2, as: UInt16.self)
      return float(f16: bits)
    default:
      place.storeBytes(of: value, toByteOffset: index * 4, as: Float.self)
      return value
    }
  }
}
