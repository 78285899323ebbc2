import Kernels

enum Q6KBlocks: BlockKernels {
  private static let bytes = 210
  private static let elements = 256
  /// The words of low bits in a half of a block.
  private static let words = 16

  static let arrangedElements = 256 + 16

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

  // Bytes of a word that are masked where they stand are a power of 256 too large, which is taken from the value that
  // they meet. Codes count from 0, not from -32: what is too much is the sum of sixteen values times their scale.
  @inline(never)
  static func arrange(_ x: Floats, blocks: Int, target: MutableFloats) {
    for half in 0..<2 &* blocks {
      let (x, values) = (x + half &* 128, target + half &* 128)
      for word in 0..<words {
        let target = values + (word / width &* 8 &* width &+ word % width)
        for byte in 0..<4 {
          let scale: Float = byte == 1 ? 0x1p-8 : byte == 2 ? 0x1p-16 : 1
          target[byte &* width] = x[4 &* word &+ byte] * scale
          target[(4 &+ byte) &* width] = x[64 &+ 4 &* word &+ byte] * scale
        }
      }
    }
    let sums = target + blocks &* elements
    for index in 0..<16 &* blocks {
      var lanes = Lanes()
      for place in stride(from: 16 &* index, to: 16 &* (index &+ 1), by: width) {
        lanes += load(x + place)
      }
      sums[index] = -32 * sum(lanes)
    }
  }

  @inline(never)
  static func dot(
    _ x: Floats, _ rows: (UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer),
    blocks: Int, result: MutableFloats
  ) {
    let sums = UnsafeRawPointer(x + blocks &* elements)
    var s0 = Lanes(), s1 = Lanes(), s2 = Lanes(), s3 = Lanes()
    for block in 0..<blocks {
      let byte = block &* bytes, values = x + block &* elements
      let sums = (sums + block &* 64).loadUnaligned(as: SIMD16<Float>.self)
      s0 = add(s0, rows.0 + byte, values, sums)
      s1 = add(s1, rows.1 + byte, values, sums)
      s2 = add(s2, rows.2 + byte, values, sums)
      s3 = add(s3, rows.3 + byte, values, sums)
    }
    result[0] = sum(s0)
    result[1] = sum(s1)
    result[2] = sum(s2)
    result[3] = sum(s3)
  }

  /// Adds the products of a block.
  @inline(__always)
  private static func add(
    _ start: Lanes, _ block: UnsafeRawPointer, _ x: Floats, _ sums: SIMD16<Float>
  ) -> Lanes {
    let scales = scales(block)
    var result = start + folded(scales * sums)
    for half in 0..<2 {
      for segment in 0..<words / width {
        let low = (block + (64 &* half &+ 4 &* width &* segment)).loadUnaligned(as: BitLanes.self)
        let high = highBits(block + (128 &+ 32 &* half), segment)
        let first = (low & 0x0f0f_0f0f) | (high.0 & 0x3030_3030)
        let second = ((low &>> 4) & 0x0f0f_0f0f) | (high.1 & 0x3030_3030)
        let values = x + (128 &* half &+ 8 &* width &* segment)
        let place = 8 &* half &+ segment &* width / 4
        result = fused(result, spread(scales, place), products(first, values))
        result = fused(result, spread(scales, place &+ 4), products(second, values + 4 &* width))
      }
    }
    return result
  }

  /// The upper two bits of codes, moved to where they belong: of those with the low halves of bytes, and with the high.
  @inline(__always)
  private static func highBits(_ place: UnsafeRawPointer, _ segment: Int) -> (BitLanes, BitLanes) {
    #if V4
      let bits = place.loadUnaligned(as: SIMD8<UInt32>.self)
      return (
        BitLanes(lowHalf: bits &<< 4, highHalf: bits &<< 2),
        BitLanes(lowHalf: bits, highHalf: bits &>> 2)
      )
    #else
      let bits = (place + segment &* 4 &* width % 32).loadUnaligned(as: BitLanes.self)
      return segment &* width < 8 ? (bits &<< 4, bits) : (bits &<< 2, bits &>> 2)
    #endif
  }

  /// The sums of the products of four bytes, word by word.
  @inline(__always)
  private static func products(_ codes: BitLanes, _ x: Floats) -> Lanes {
    let first = load(x) * floats(codes & 0x3f)
    let second = fused(first, load(x + width), floats(codes & 0x3f00))
    let third = fused(second, load(x + 2 &* width), floats(codes & 0x3f_0000))
    return fused(third, load(x + 3 &* width), floats(codes &>> 24))
  }

  /// The scales of a vector of words, four of which share one.
  @inline(__always)
  private static func spread(_ scales: SIMD16<Float>, _ first: Int) -> Lanes {
    var result = Lanes()
    for lane in 0..<width { result[lane] = scales[first &+ lane / 4] }
    return result
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
  private static func scales(_ block: UnsafeRawPointer) -> SIMD16<Float> {
    let bytes = (block + 192).loadUnaligned(as: SIMD16<Int8>.self)
    var result = SIMD16<Float>()
    for lane in 0..<16 { result[lane] = Float(Int32(bytes[lane])) }
    return Widening.half((block + 208).loadUnaligned(as: UInt16.self)) * result
  }
}
