import Kernels

enum DotProducts: DotProductKernels {
  @inline(never)
  static func split(_ source: Floats, count: Int, target: MutableFloats) {
    var index = 0
    while index &+ (2 &* width) <= count {
      for lane in 0..<width {
        target[index &+ lane] = source[index &+ (2 &* lane)]
        target[index &+ width &+ lane] = source[index &+ (2 &* lane) &+ 1]
      }
      index &+= 2 &* width
    }
    for rest in index..<max(count, index) { target[rest] = source[rest] }
  }

  @inline(never)
  static func f32(
    _ x: Floats, _ rows: (UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer),
    count: Int, result: MutableFloats
  ) {
    var s0 = Lanes(), s1 = Lanes(), s2 = Lanes(), s3 = Lanes()
    var index = 0
    while index &+ width <= count {
      let values = load(x + index)
      let byte = index &* 4
      s0 = fused(s0, values, (rows.0 + byte).loadUnaligned(as: Lanes.self))
      s1 = fused(s1, values, (rows.1 + byte).loadUnaligned(as: Lanes.self))
      s2 = fused(s2, values, (rows.2 + byte).loadUnaligned(as: Lanes.self))
      s3 = fused(s3, values, (rows.3 + byte).loadUnaligned(as: Lanes.self))
      index &+= width
    }
    finish(s0, s1, s2, s3, result)
    for rest in index..<max(count, index) {
      let byte = rest &* 4
      result[0] += x[rest] * (rows.0 + byte).loadUnaligned(as: Float.self)
      result[1] += x[rest] * (rows.1 + byte).loadUnaligned(as: Float.self)
      result[2] += x[rest] * (rows.2 + byte).loadUnaligned(as: Float.self)
      result[3] += x[rest] * (rows.3 + byte).loadUnaligned(as: Float.self)
    }
  }

  @inline(never)
  static func bf16(
    _ x: Floats, _ rows: (UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer),
    count: Int, result: MutableFloats
  ) {
    // BF16 is the upper half of an F32: of two in a word, the one at the lower address moves up, and the other
    // only loses what stands below it.
    @inline(__always) func halves(_ bits: BitLanes) -> Halves {
      Halves(
        even: unsafeBitCast(bits &<< 16, to: Lanes.self),
        odd: unsafeBitCast(bits & 0xffff_0000, to: Lanes.self))
    }
    sixteenBit(x, rows, count, result, halves)
  }

  @inline(never)
  static func f16(
    _ x: Floats, _ rows: (UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer),
    count: Int, result: MutableFloats
  ) {
    @inline(__always) func halves(_ bits: BitLanes) -> Halves {
      Halves(even: Widening.half(bits & 0xffff), odd: Widening.half(bits &>> 16))
    }
    sixteenBit(x, rows, count, result, halves)
  }

  /// The values of 16 bits in the lower and in the upper halves of some words.
  private struct Halves {
    let even, odd: Lanes
  }

  @inline(__always)
  private static func sixteenBit(
    _ x: Floats, _ rows: (UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer),
    _ count: Int, _ result: MutableFloats, _ halves: (BitLanes) -> Halves
  ) {
    // A register of stored words has twice as many weights as lanes: the even ones and the odd ones have sums of
    // their own, and `split` has put x in the same order.
    var e0 = Lanes(), e1 = Lanes(), e2 = Lanes(), e3 = Lanes()
    var o0 = Lanes(), o1 = Lanes(), o2 = Lanes(), o3 = Lanes()
    var index = 0
    while index &+ (2 &* width) <= count {
      let xe = load(x + index), xo = load(x + (index &+ width))
      let byte = index &* 2
      let w0 = halves((rows.0 + byte).loadUnaligned(as: BitLanes.self))
      e0 = fused(e0, xe, w0.even)
      o0 = fused(o0, xo, w0.odd)
      let w1 = halves((rows.1 + byte).loadUnaligned(as: BitLanes.self))
      e1 = fused(e1, xe, w1.even)
      o1 = fused(o1, xo, w1.odd)
      let w2 = halves((rows.2 + byte).loadUnaligned(as: BitLanes.self))
      e2 = fused(e2, xe, w2.even)
      o2 = fused(o2, xo, w2.odd)
      let w3 = halves((rows.3 + byte).loadUnaligned(as: BitLanes.self))
      e3 = fused(e3, xe, w3.even)
      o3 = fused(o3, xo, w3.odd)
      index &+= 2 &* width
    }
    finish(e0 + o0, e1 + o1, e2 + o2, e3 + o3, result)
    for rest in index..<max(count, index) {
      func value(_ row: UnsafeRawPointer) -> Float {
        let bits = (row + (rest &* 2)).loadUnaligned(as: UInt16.self)
        return halves(BitLanes(repeating: UInt32(bits))).even[0]
      }
      result[0] += x[rest] * value(rows.0)
      result[1] += x[rest] * value(rows.1)
      result[2] += x[rest] * value(rows.2)
      result[3] += x[rest] * value(rows.3)
    }
  }

  @inline(__always)
  private static func finish(
    _ s0: Lanes, _ s1: Lanes, _ s2: Lanes, _ s3: Lanes, _ result: MutableFloats
  ) {
    result[0] = sum(s0)
    result[1] = sum(s1)
    result[2] = sum(s2)
    result[3] = sum(s3)
  }
}
