import Tensors

extension Q8Zero: LevelEncoder {
  /// The scale is the largest magnitude over 127; values are divided by it before it is itself rounded
  /// to F16, and rounded half away from zero, as ggml and its Python writer do.
  @inline(__always)
  static func put(_ row: FourLanes, into block: UnsafeMutableRawPointer, _ sums: inout LaneSums) {
    let scale = row.distance / 127
    let inverse = scale == 0 ? 0 : 1 / scale
    let stored = FloatBits.f16(scale)
    block.storeBytes(of: stored.littleEndian, as: UInt16.self)
    // Nothing overflows but in blocks of next to nothing and of more than there is.
    guard scale.isFinite, inverse.isFinite else {
      return putTamed(row, inverse, into: block, &sums)
    }
    put(row, inverse, FloatBits.float(f16: stored), into: block, &sums) { $0 }
  }

  /// Quotients that are no number give the level zero.
  @inline(never)
  private static func putTamed(
    _ row: FourLanes, _ inverse: Float, into block: UnsafeMutableRawPointer, _ sums: inout LaneSums
  ) {
    let step = FloatBits.float(f16: UInt16(littleEndian: block.loadUnaligned(as: UInt16.self)))
    put(row, inverse, step, into: block, &sums) { quotient in
      quotient.replacing(with: 0, where: .!(quotient.magnitude .< 128))
    }
  }

  @inline(__always)
  private static func put(
    _ row: FourLanes, _ inverse: Float, _ step: Float, into block: UnsafeMutableRawPointer,
    _ sums: inout LaneSums, tamed: (Lanes) -> Lanes
  ) {
    let (a, b) = (
      tamed(row.values.0 * inverse).awayFromZero, tamed(row.values.1 * inverse).awayFromZero
    )
    let (c, d) = (
      tamed(row.values.2 * inverse).awayFromZero, tamed(row.values.3 * inverse).awayFromZero
    )
    sums.add(row, stored: (a * step, b * step, c * step, d * step))
    block.storeBytes(of: a.signedWord.littleEndian, toByteOffset: 2, as: UInt64.self)
    block.storeBytes(of: b.signedWord.littleEndian, toByteOffset: 10, as: UInt64.self)
    block.storeBytes(of: c.signedWord.littleEndian, toByteOffset: 18, as: UInt64.self)
    block.storeBytes(of: d.signedWord.littleEndian, toByteOffset: 26, as: UInt64.self)
  }
}

extension Lanes {
  /// The nearest whole numbers, halves away from zero; magnitudes are below 2^22.
  @inline(__always)
  fileprivate var awayFromZero: Lanes {
    let size = magnitude
    let near = size + 8_388_608 - 8_388_608
    let up = unsafeBitCast(size - near .== 0.5, to: SIMD8<UInt32>.self) & Float(1).bitPattern
    let sign = unsafeBitCast(self, to: SIMD8<UInt32>.self) & 0x8000_0000
    let whole = near + unsafeBitCast(up, to: Lanes.self)
    return unsafeBitCast(unsafeBitCast(whole, to: SIMD8<UInt32>.self) | sign, to: Lanes.self)
  }

  /// Whole numbers in two's complement, each in eight bits, the first in the lowest.
  @inline(__always)
  fileprivate var signedWord: UInt64 { (self + 4_194_304).word }
}
