import Kernels

enum Widening: WideningKernels {
  @inline(never)
  static func f32(_ source: UnsafeRawPointer, count: Int, target: MutableFloats) {
    UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: count &* 4)
  }

  @inline(never)
  static func bf16(_ source: UnsafeRawPointer, count: Int, target: MutableFloats) {
    @inline(__always) func value(_ bits: HalfWordLanes) -> Lanes {
      unsafeBitCast(widened(bits) &<< 16, to: Lanes.self)
    }
    widen(source, count, target, value)
  }

  @inline(never)
  static func f16(_ source: UnsafeRawPointer, count: Int, target: MutableFloats) {
    @inline(__always) func value(_ bits: HalfWordLanes) -> Lanes {
      half(widened(bits))
    }
    widen(source, count, target, value)
  }

  /// The values of F16 bits in the low halves of 32-bit lanes.
  @inline(__always)
  static func half(_ bits: BitLanes) -> Lanes {
    let sign = (bits & 0x8000) &<< 16
    let magnitude = (bits & 0x7fff) &<< 13
    let scaled = unsafeBitCast(magnitude, to: Lanes.self) * 0x1p112
    // Infinities and NaNs come out as 2^16 and above; a comparison of integers would run per lane.
    let special = unsafeBitCast(magnitude | 0x7f80_0000, to: Lanes.self)
    let value = scaled.replacing(with: special, where: scaled .>= 65_536)
    return unsafeBitCast(unsafeBitCast(value, to: BitLanes.self) | sign, to: Lanes.self)
  }

  /// The value of one number in F16.
  @inline(__always)
  static func half(_ bits: UInt16) -> Float {
    #if arch(arm64) || ((V3 || V4) && !os(macOS))
      Float(Float16(bitPattern: bits))
    #else
      half(BitLanes(repeating: UInt32(bits)))[0]
    #endif
  }

  @inline(__always)
  private static func widen(
    _ source: UnsafeRawPointer, _ count: Int, _ target: MutableFloats,
    _ convert: (HalfWordLanes) -> Lanes
  ) {
    var index = 0
    while index &+ width <= count {
      let bits = (source + (index &* 2)).loadUnaligned(as: HalfWordLanes.self)
      store(convert(bits), target + index)
      index &+= width
    }
    guard index < count else { return }
    var bits = HalfWordLanes()
    for lane in 0..<(count &- index) {
      bits[lane] = (source + ((index &+ lane) &* 2)).loadUnaligned(as: UInt16.self)
    }
    store(convert(bits), target + index, first: count &- index)
  }
}
