/// Stored weights as F32 values; exact for every input.
public enum Widening {
  /// Copies F32 values from any address.
  @inline(never)
  public static func f32(_ source: UnsafeRawPointer, count: Int, target: MutableFloats) {
    UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: count &* 4)
  }

  /// Widens BF16 values.
  @inline(never)
  public static func bf16(_ source: UnsafeRawPointer, count: Int, target: MutableFloats) {
    widen(source, count, target) {
      unsafeBitCast(SIMD8<UInt32>(truncatingIfNeeded: $0) &<< 16, to: Lanes.self)
    }
  }

  /// Widens F16 values.
  @inline(never)
  public static func f16(_ source: UnsafeRawPointer, count: Int, target: MutableFloats) {
    widen(source, count, target) { half(SIMD8<UInt32>(truncatingIfNeeded: $0)) }
  }

  /// The values of F16 bits in the low halves of 32-bit lanes.
  @inline(__always)
  static func half(_ bits: SIMD8<UInt32>) -> Lanes {
    let sign = (bits & 0x8000) &<< 16
    let magnitude = (bits & 0x7fff) &<< 13
    let scaled = unsafeBitCast(magnitude, to: Lanes.self) * 0x1p112
    let finite = unsafeBitCast(scaled, to: SIMD8<UInt32>.self)
    let special = magnitude | 0x7f80_0000
    let isSpecial = magnitude .>= 0x0f80_0000
    return unsafeBitCast(finite.replacing(with: special, where: isSpecial) | sign, to: Lanes.self)
  }

  @inline(__always)
  private static func widen(
    _ source: UnsafeRawPointer, _ count: Int, _ target: MutableFloats,
    _ convert: (SIMD8<UInt16>) -> Lanes
  ) {
    var index = 0
    while index &+ 8 <= count {
      let bits = (source + (index &* 2)).loadUnaligned(as: SIMD8<UInt16>.self)
      store(convert(bits), target + index)
      index &+= 8
    }
    guard index < count else { return }
    var bits = SIMD8<UInt16>()
    for lane in 0..<(count &- index) {
      bits[lane] = (source + ((index &+ lane) &* 2)).loadUnaligned(as: UInt16.self)
    }
    store(convert(bits), target + index, first: count &- index)
  }
}
