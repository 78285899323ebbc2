/// Conversions between F32 and the 16-bit float types, bit-exact with torch except for NaN payloads.
///
/// Rounding is to nearest, ties to even; a value beyond the largest finite F16 becomes infinite. A
/// NaN stays a NaN: it is made quiet and keeps its sign and the upper payload bits.
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
    if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ ((bits >> 16) & 1)) >> 16)
  }

  /// The F32 value of F16 bits; exact.
  @inlinable
  public static func float(f16 bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let magnitude = UInt32(bits & 0x7fff)
    if magnitude >= 0x7c00 { return Float(bitPattern: sign | 0x7f80_0000 | (magnitude << 13)) }
    let shifted = Float(bitPattern: magnitude << 13) * 0x1p112
    return Float(bitPattern: sign | shifted.bitPattern)
  }

  /// The F16 bits nearest to an F32 value.
  @inlinable
  public static func f16(_ value: Float) -> UInt16 {
    let sign = UInt16(truncatingIfNeeded: (value.bitPattern >> 16) & 0x8000)
    let magnitude = value.bitPattern & 0x7fff_ffff
    if magnitude > 0x7f80_0000 {
      return sign | 0x7e00 | UInt16(truncatingIfNeeded: (magnitude >> 13) & 0x3ff)
    }
    if magnitude >= 0x477f_f000 { return sign | 0x7c00 }
    if magnitude < 0x3880_0000 {  // below the smallest normal: let the adder round
      let sum = Float(bitPattern: magnitude) + 0.5
      return sign | UInt16(truncatingIfNeeded: sum.bitPattern &- 0x3f00_0000)
    }
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
