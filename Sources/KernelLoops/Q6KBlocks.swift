import Kernels

enum Q6KBlocks: BlockKernels {
  private static let bytes = 210
  private static let elements = 256

  @inline(never)
  static func widen(_ source: UnsafeRawPointer, blocks: Int, target: MutableFloats) {
    for block in 0..<blocks {
      let (place, values) = (source + block &* bytes, target + block &* elements)
      let scales = scales(place)
      for half in 0..<2 {
        var index = 0
        while index < 32 {
          let levels = levels(place, half, index)
          let values = values + (128 &* half &+ index), first = 8 &* half &+ index / 16
          store(scales[first] * levels.0, values)
          store(scales[first &+ 2] * levels.1, values + 32)
          store(scales[first &+ 4] * levels.2, values + 64)
          store(scales[first &+ 6] * levels.3, values + 96)
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
    let scales = result + 4  // [4, 16]
    var s0 = Lanes(), s1 = Lanes(), s2 = Lanes(), s3 = Lanes()
    for block in 0..<blocks {
      let byte = block &* bytes
      let (b0, b1, b2, b3) = (rows.0 + byte, rows.1 + byte, rows.2 + byte, rows.3 + byte)
      storeScales(b0, scales)
      storeScales(b1, scales + 16)
      storeScales(b2, scales + 32)
      storeScales(b3, scales + 48)
      for half in 0..<2 {
        var index = 0
        while index < 32 {
          let values = x + (block &* elements &+ 128 &* half &+ index)
          let place = scales + (8 &* half &+ index / 16)
          s0 = add(s0, values, levels(b0, half, index), place)
          s1 = add(s1, values, levels(b1, half, index), place + 16)
          s2 = add(s2, values, levels(b2, half, index), place + 32)
          s3 = add(s3, values, levels(b3, half, index), place + 48)
          index &+= width
        }
      }
    }
    result[0] = sum(s0)
    result[1] = sum(s1)
    result[2] = sum(s2)
    result[3] = sum(s3)
  }

  /// Adds the products of values that lie 32 apart.
  @inline(__always)
  private static func add(
    _ start: Lanes, _ x: Floats, _ levels: (Lanes, Lanes, Lanes, Lanes), _ scales: MutableFloats
  ) -> Lanes {
    let first = fused(start, scales[0], load(x) * levels.0)
    let second = fused(first, scales[2], load(x + 32) * levels.1)
    let third = fused(second, scales[4], load(x + 64) * levels.2)
    return fused(third, scales[6], load(x + 96) * levels.3)
  }

  /// Values of one half of a block, 32 apart, before their scales.
  @inline(__always)
  private static func levels(_ block: UnsafeRawPointer, _ half: Int, _ index: Int) -> (
    Lanes, Lanes, Lanes, Lanes
  ) {
    let low = block + (64 &* half &+ index)
    let first = nibbles(low), second = nibbles(low + 32)
    let high = nibbles(block + (128 &+ 32 &* half &+ index))
    return (
      level((first & 15) | ((high &<< 4) & 48)), level((second & 15) | ((high &<< 2) & 48)),
      level((first &>> 4) | (high & 48)), level((second &>> 4) | ((high &>> 2) & 48))
    )
  }

  @inline(__always)
  private static func level(_ code: BitLanes) -> Lanes {
    floats(unsafeBitCast(code, to: IntegerLanes.self) &- 32)
  }

  @inline(__always)
  private static func storeScales(_ block: UnsafeRawPointer, _ target: MutableFloats) {
    UnsafeMutableRawPointer(target).storeBytes(of: scales(block), as: SIMD16<Float>.self)
  }

  @inline(__always)
  private static func scales(_ block: UnsafeRawPointer) -> SIMD16<Float> {
    let bytes = (block + 192).loadUnaligned(as: SIMD16<Int8>.self)
    var result = SIMD16<Float>()
    for lane in 0..<16 { result[lane] = Float(Int32(bytes[lane])) }
    return Widening.half((block + 208).loadUnaligned(as: UInt16.self)) * result
  }
}
