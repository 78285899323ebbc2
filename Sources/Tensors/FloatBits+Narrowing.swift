// The arithmetic is that of `bf16(_:)` and `f16(_:)`, where the constants are derived, without branches.
extension FloatBits {
  /// Rounds a run of F32 values to BF16, eight at a time.
  /// - Returns: how many values BF16 does not represent exactly; nil where some value is a NaN, for
  ///   which nothing was written.
  static func narrowed16(
    bf16 values: UnsafeRawPointer, count: Int, to place: UnsafeMutableRawPointer
  ) -> Int? {
    guard all(values, count: count, atMost: .infinity) else { return nil }
    var changed = SIMD8<UInt32>()
    for index in stride(from: 0, to: count, by: 8) {
      let bits = values.loadUnaligned(fromByteOffset: index &* 4, as: SIMD8<UInt32>.self)
      let rounded = (bits &+ 0x7fff &+ ((bits &>> 16) & 1)) &>> 16
      // 1 where any of the lower bits is set: only then the sum has a bit above them.
      changed &+= ((bits & 0xffff) &+ 0xffff) &>> 16
      place.storeBytes(
        of: SIMD8<UInt16>(truncatingIfNeeded: rounded), toByteOffset: index &* 2,
        as: SIMD8<UInt16>.self)
    }
    return Int(changed.wrappedSum())
  }

  /// Rounds a run of F32 values to F16, eight at a time.
  /// - Returns: how many values F16 does not represent exactly; nil where some value is a NaN or
  ///   beyond the largest finite F16, for which nothing was written.
  static func narrowed16(
    f16 values: UnsafeRawPointer, count: Int, to place: UnsafeMutableRawPointer
  ) -> Int? {
    // From 65520 on values round to infinity.
    guard all(values, count: count, atMost: Float(65_520).nextDown) else { return nil }
    var changed = SIMD8<Int32>()
    for index in stride(from: 0, to: count, by: 8) {
      let bits = values.loadUnaligned(fromByteOffset: index &* 4, as: SIMD8<UInt32>.self)
      let magnitude = bits & 0x7fff_ffff
      let size = unsafeBitCast(magnitude, to: SIMD8<Float>.self)
      // Both results are computed for every lane, and the right one is kept.
      let normal = (magnitude &+ 0x0fff &+ ((magnitude &>> 13) & 1) &- 0x3800_0000) &>> 13
      let small = unsafeBitCast(size + 0.5, to: SIMD8<UInt32>.self) &- 0x3f00_0000
      let half = normal.replacing(with: small, where: size .< 0x1p-14)
      let back = unsafeBitCast(half &<< 13, to: SIMD8<Float>.self) * 0x1p112
      // A lane of the comparison is 0 or -1.
      changed &-= unsafeBitCast(back .!= size, to: SIMD8<Int32>.self)
      let signed = half | ((bits &>> 16) & 0x8000)
      place.storeBytes(
        of: SIMD8<UInt16>(truncatingIfNeeded: signed), toByteOffset: index &* 2,
        as: SIMD8<UInt16>.self)
    }
    return Int(changed.wrappedSum())
  }

  /// Whether all magnitudes are at most a limit, which a NaN is not.
  ///
  /// It is a pass of its own: the processor fetches many cache lines at once for a loop that does little,
  /// and the loop that rounds then finds the values in the cache.
  @inline(__always)
  private static func all(_ values: UnsafeRawPointer, count: Int, atMost limit: Float) -> Bool {
    var exceeds = SIMDMask<SIMD8<Int32>>()
    for index in stride(from: 0, to: count, by: 8) {
      let bits = values.loadUnaligned(fromByteOffset: index &* 4, as: SIMD8<UInt32>.self)
      exceeds .|= .!(unsafeBitCast(bits & 0x7fff_ffff, to: SIMD8<Float>.self) .<= limit)
    }
    return !any(exceeds)
  }
}
