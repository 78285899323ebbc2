import Tensors

extension Q8Zero: BlockEncoder {
  /// The scale is the largest magnitude over 127; values are divided by it before it is itself rounded
  /// to F16, and rounded half away from zero, as ggml and its Python writer do.
  static func encode(
    _ values: UnsafePointer<Float>, blocks count: Int, into place: UnsafeMutableRawPointer
  ) {
    for block in 0..<count {
      let (row, bytes) = (FourLanes(values + 32 * block), place + block * type.unit.bytes)
      let scale = row.distance / 127
      let inverse = scale == 0 ? 0 : 1 / scale
      bytes.storeBytes(of: FloatBits.f16(scale).littleEndian, as: UInt16.self)
      let (a, b, c, d) = row.values
      for (part, lanes) in [a, b, c, d].enumerated() {
        bytes.storeBytes(
          of: levels(lanes * inverse), toByteOffset: 2 + 8 * part, as: SIMD8<UInt8>.self)
      }
    }
  }

  /// Whole numbers, halves away from zero, in two's complement; what is no number is zero.
  @inline(__always)
  private static func levels(_ values: Lanes) -> SIMD8<UInt8> {
    let size = values.magnitude
    let whole = size.nearest
    let away = whole.replacing(with: whole + 1, where: size - whole .== 0.5)
    let signed = away.replacing(with: -away, where: values .< 0)
      .replacing(with: 0, where: .!(size .< 128))
    return SIMD8<UInt8>(
      truncatingIfNeeded: unsafeBitCast(signed + 12_582_912, to: SIMD8<UInt32>.self))
  }
}
