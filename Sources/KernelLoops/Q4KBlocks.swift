import Kernels

enum Q4KBlocks: BlockKernels {
  private static let bytes = 144
  private static let elements = 256
  /// The values that share a scale and a minimum.
  private static let part = 32

  @inline(never)
  static func widen(_ source: UnsafeRawPointer, blocks: Int, target: MutableFloats) {
    for block in 0..<blocks {
      let (place, values) = (source + block &* bytes, target + block &* elements)
      let scales = scales(place)
      for pair in 0..<4 {
        let bytes = place + (16 &+ 32 &* pair), values = values + 64 &* pair
        let low = (scales.0[2 &* pair], scales.1[2 &* pair])
        let high = (scales.0[2 &* pair &+ 1], scales.1[2 &* pair &+ 1])
        var index = 0
        while index < part {
          let bits = nibbles(bytes + index)
          store(low.0 * floats(bits & 15) - low.1, values + index)
          store(high.0 * floats(bits &>> 4) - high.1, values + (part &+ index))
          index &+= width
        }
      }
    }
  }

  @inline(never)
  static func dot(
    _ x: Floats, _ rows: (UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer),
    blocks: Int, result: MutableFloats
  ) {
    let scales = result + 4  // [4, 16]: eight scales, then eight minima, of each row
    var s0 = Lanes(), s1 = Lanes(), s2 = Lanes(), s3 = Lanes()
    for block in 0..<blocks {
      let byte = block &* bytes
      let (b0, b1, b2, b3) = (rows.0 + byte, rows.1 + byte, rows.2 + byte, rows.3 + byte)
      storeScales(b0, scales)
      storeScales(b1, scales + 16)
      storeScales(b2, scales + 32)
      storeScales(b3, scales + 48)
      for pair in 0..<4 {
        let values = x + (block &* elements &+ 64 &* pair), codes = 16 &+ 32 &* pair
        let sums = (partSum(values), partSum(values + part))
        let place = scales + 2 &* pair
        s0 = add(s0, values, b0 + codes, place, sums)
        s1 = add(s1, values, b1 + codes, place + 16, sums)
        s2 = add(s2, values, b2 + codes, place + 32, sums)
        s3 = add(s3, values, b3 + codes, place + 48, sums)
      }
    }
    result[0] = sum(s0)
    result[1] = sum(s1)
    result[2] = sum(s2)
    result[3] = sum(s3)
  }

  /// Adds the products of 64 values, of which the low halves of bytes come first.
  @inline(__always)
  private static func add(
    _ start: Lanes, _ x: Floats, _ codes: UnsafeRawPointer, _ scales: MutableFloats,
    _ sums: (Lanes, Lanes)
  ) -> Lanes {
    var low = Lanes(), high = Lanes()
    var index = 0
    while index < part {
      let bits = nibbles(codes + index)
      low = fused(low, load(x + index), floats(bits & 15))
      high = fused(high, load(x + (part &+ index)), floats(bits &>> 4))
      index &+= width
    }
    let scaled = fused(fused(start, scales[0], low), scales[1], high)
    return fused(fused(scaled, -scales[8], sums.0), -scales[9], sums.1)
  }

  /// The sums of 32 values, lane by lane.
  @inline(__always)
  private static func partSum(_ x: Floats) -> Lanes {
    var sum = load(x)
    var index = width
    while index < part {
      sum += load(x + index)
      index &+= width
    }
    return sum
  }

  @inline(__always)
  private static func storeScales(_ block: UnsafeRawPointer, _ target: MutableFloats) {
    let (scales, minima) = scales(block)
    UnsafeMutableRawPointer(target).storeBytes(of: scales, as: SIMD8<Float>.self)
    UnsafeMutableRawPointer(target + 8).storeBytes(of: minima, as: SIMD8<Float>.self)
  }

  /// The scales and minima of a block: those of the first four parts in the low six bits of eight bytes,
  /// the others in the four bytes behind them and in the two bits that are left.
  @inline(__always)
  private static func scales(_ block: UnsafeRawPointer) -> (SIMD8<Float>, SIMD8<Float>) {
    let first = (block + 4).loadUnaligned(as: UInt32.self)
    let second = (block + 8).loadUnaligned(as: UInt32.self)
    let third = (block + 12).loadUnaligned(as: UInt32.self)
    let s = (third & 0x0f0f_0f0f) | ((first &>> 6) & 0x0303_0303) &<< 4
    let m = ((third &>> 4) & 0x0f0f_0f0f) | ((second &>> 6) & 0x0303_0303) &<< 4
    let d = Widening.half(block.loadUnaligned(as: UInt16.self))
    let t = Widening.half((block + 2).loadUnaligned(as: UInt16.self))
    return (d * eight(first & 0x3f3f_3f3f, s), t * eight(second & 0x3f3f_3f3f, m))
  }

  /// The bytes of two words as floats.
  @inline(__always)
  private static func eight(_ low: UInt32, _ high: UInt32) -> SIMD8<Float> {
    let bytes = unsafeBitCast(UInt64(low) | UInt64(high) &<< 32, to: SIMD8<UInt8>.self)
    var result = SIMD8<Float>()
    for lane in 0..<8 { result[lane] = Float(Int32(bytes[lane])) }
    return result
  }
}
