extension FloatBits {
  /// Rounds a run of F32 values to BF16, eight at a time.
  /// - Returns: how many values BF16 does not represent exactly; nil where some value is a NaN, for
  ///   which nothing that was written counts.
  static func narrowed16(
    bf16 values: UnsafeRawPointer, count: Int, to place: UnsafeMutableRawPointer
  ) -> Int? {
    var changed = SIMD8<UInt32>()
    var special = SIMDMask<SIMD8<Int32>>()
    for index in stride(from: 0, to: count, by: 8) {
      let value = values.loadUnaligned(fromByteOffset: index &* 4, as: SIMD8<Float>.self)
      let bits = unsafeBitCast(value, to: SIMD8<UInt32>.self)
      special .|= value .!= value
      let rounded = (bits &+ 0x7fff &+ ((bits &>> 16) & 1)) &>> 16
      changed &+= ((bits & 0xffff) &+ 0xffff) &>> 16
      place.storeBytes(
        of: SIMD8<UInt16>(truncatingIfNeeded: rounded), toByteOffset: index &* 2,
        as: SIMD8<UInt16>.self)
    }
    return any(special) ? nil : Int(changed.wrappedSum())
  }

  /// Rounds a run of F32 values to F16, eight at a time.
  /// - Returns: how many values F16 does not represent exactly; nil where some value is a NaN or
  ///   beyond the largest finite F16, for which nothing that was written counts.
  static func narrowed16(
    f16 values: UnsafeRawPointer, count: Int, to place: UnsafeMutableRawPointer
  ) -> Int? {
    var changed = SIMD8<Int32>()
    var special = SIMDMask<SIMD8<Int32>>()
    for index in stride(from: 0, to: count, by: 8) {
      let value = values.loadUnaligned(fromByteOffset: index &* 4, as: SIMD8<Float>.self)
      let bits = unsafeBitCast(value, to: SIMD8<UInt32>.self)
      let magnitude = bits & 0x7fff_ffff
      let size = unsafeBitCast(magnitude, to: SIMD8<Float>.self)
      special .|= .!(size .< 65_520)
      let normal = (magnitude &+ 0x0fff &+ ((magnitude &>> 13) & 1) &- 0x3800_0000) &>> 13
      let small = unsafeBitCast(size + 0.5, to: SIMD8<UInt32>.self) &- 0x3f00_0000
      let half = normal.replacing(with: small, where: size .< 0x1p-14)
      let back = unsafeBitCast(half &<< 13, to: SIMD8<Float>.self) * 0x1p112
      changed &-= unsafeBitCast(back .!= size, to: SIMD8<Int32>.self)
      let signed = half | ((bits &>> 16) & 0x8000)
      place.storeBytes(
        of: SIMD8<UInt16>(truncatingIfNeeded: signed), toByteOffset: index &* 2,
        as: SIMD8<UInt16>.self)
    }
    return any(special) ? nil : Int(changed.wrappedSum())
  }
}
