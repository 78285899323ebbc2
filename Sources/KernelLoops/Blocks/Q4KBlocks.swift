import Kernels

enum Q4KBlocks: BlockKernels {
  private static let bytes = 144
  private static let elements = 256
  /// The values that share a scale and a minimum.
  private static let part = 32
  /// The words of codes in a block.
  private static let words = 32

  static let arrangedElements = 256 + 8

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

  // A word has eight codes, two parts of four. A code that is masked where it stands is a power of 16 too large, which
  // is taken from the value that it meets: so that codes need no shifts, but for one by half a word.
  @inline(never)
  static func arrange(_ x: Floats, blocks: Int, target: MutableFloats) {
    let sums = target + blocks &* elements
    for block in 0..<blocks {
      let (x, values) = (x + block &* elements, target + block &* elements)
      for word in 0..<words {
        let source = x + (word / 8 &* 64 &+ word % 8 &* 4)
        let target = values + (word / width &* 8 &* width &+ word % width)
        for byte in 0..<4 {
          let scale: Float = byte & 1 == 0 ? 1 : 0x1p-8
          target[2 &* byte &* width] = source[byte] * scale
          target[(2 &* byte &+ 1) &* width] = source[part &+ byte] * (scale * 0x1p-4)
        }
      }
      for index in 0..<8 { sums[block &* 8 &+ index] = -sum(partSum(x + part &* index)) }
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
      let sums = (sums + block &* 32).loadUnaligned(as: SIMD8<Float>.self)
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
    _ start: Lanes, _ block: UnsafeRawPointer, _ x: Floats, _ sums: SIMD8<Float>
  ) -> Lanes {
    let (scales, minima) = scales(block)
    var result = start + folded(minima * sums)
    for segment in 0..<words / width {
      let codes = block + (16 &+ segment &* 4 &* width)
      let (low, high) = products(codes, x + segment &* 8 &* width)
      result = fused(result, spread(scales, segment, 0), low)
      result = fused(result, spread(scales, segment, 1), high)
    }
    return result
  }

  /// The sums of the products of a vector of words, of low halves of bytes and of high ones.
  @inline(__always)
  private static func products(_ codes: UnsafeRawPointer, _ x: Floats) -> (Lanes, Lanes) {
    let first = codes.loadUnaligned(as: BitLanes.self), second = first &>> 16
    var low = load(x) * floats(first & 0xf)
    var high = load(x + width) * floats(first & 0xf0)
    low = fused(low, load(x + 2 &* width), floats(first & 0xf00))
    high = fused(high, load(x + 3 &* width), floats(first & 0xf000))
    low = fused(low, load(x + 4 &* width), floats(second & 0xf))
    high = fused(high, load(x + 5 &* width), floats(second & 0xf0))
    low = fused(low, load(x + 6 &* width), floats(second & 0xf00))
    high = fused(high, load(x + 7 &* width), floats(second & 0xf000))
    return (low, high)
  }

  /// The scales of the low or of the high halves of a vector of words, eight of which share one.
  @inline(__always)
  private static func spread(_ scales: SIMD8<Float>, _ segment: Int, _ half: Int) -> Lanes {
    #if V4
      Lanes(
        lowHalf: HalfLanes(repeating: scales[4 &* segment &+ half]),
        highHalf: HalfLanes(repeating: scales[4 &* segment &+ 2 &+ half]))
    #else
      Lanes(repeating: scales[segment &* width / 8 &* 2 &+ half])
    #endif
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
