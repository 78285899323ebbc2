import Tensors

extension Q4Zero: LevelEncoder {
  @inline(__always)
  static func put(_ row: FourLanes, into block: UnsafeMutableRawPointer, _ sums: inout LaneSums) {
    LevelRule(around: row, half: 8).put(row, codes: 2, into: block, &sums)
  }
}

extension Q4One: LevelEncoder {
  @inline(__always)
  static func put(_ row: FourLanes, into block: UnsafeMutableRawPointer, _ sums: inout LaneSums) {
    LevelRule(from: row, highest: 15).put(row, codes: 4, into: block, &sums)
  }
}

extension Q5Zero: LevelEncoder {
  @inline(__always)
  static func put(_ row: FourLanes, into block: UnsafeMutableRawPointer, _ sums: inout LaneSums) {
    LevelRule(around: row, half: 16).put(row, fifths: 2, codes: 6, into: block, &sums)
  }
}

extension Q5One: LevelEncoder {
  @inline(__always)
  static func put(_ row: FourLanes, into block: UnsafeMutableRawPointer, _ sums: inout LaneSums) {
    LevelRule(from: row, highest: 31).put(row, fifths: 4, codes: 8, into: block, &sums)
  }
}

/// A block of 32 values whose levels are at equal distances, so that what is stored is known without reading it
/// back.
protocol LevelEncoder: BlockEncoder {
  /// Rounds one block, and adds what that made of its values.
  static func put(_ row: FourLanes, into block: UnsafeMutableRawPointer, _ sums: inout LaneSums)
}

extension LevelEncoder {
  static func encode(
    _ values: UnsafePointer<Float>, blocks count: Int, into place: UnsafeMutableRawPointer
  ) {
    _ = store(values, blocks: count, to: place)
  }

  @inline(__always)
  static func store(
    _ values: UnsafePointer<Float>, blocks count: Int, to place: UnsafeMutableRawPointer
  ) -> Rounding {
    let size = type.unit.bytes
    var rounding = Rounding()
    // A few blocks at a time, so that sums of floats stay small.
    for first in stride(from: 0, to: count, by: 8) {
      var sums = LaneSums()
      for block in first..<min(first + 8, count) {
        put(FourLanes(values + 32 * block), into: place + block * size, &sums)
      }
      rounding.add(sums)
    }
    return rounding
  }
}

/// The 32 values of a block, in their order.
struct FourLanes {
  let values: (Lanes, Lanes, Lanes, Lanes)

  @inline(__always)
  init(_ start: UnsafePointer<Float>) {
    let bytes = UnsafeRawPointer(start)
    values = (
      bytes.loadUnaligned(as: Lanes.self), bytes.loadUnaligned(fromByteOffset: 32, as: Lanes.self),
      bytes.loadUnaligned(fromByteOffset: 64, as: Lanes.self),
      bytes.loadUnaligned(fromByteOffset: 96, as: Lanes.self)
    )
  }

  /// The greatest distance from zero.
  @inline(__always)
  var distance: Float {
    let (a, b, c, d) = values
    return a.magnitude.larger(b.magnitude).larger(c.magnitude.larger(d.magnitude)).largest
  }

  /// The least and the greatest value; of zeros of both signs, the first.
  @inline(__always)
  var range: (low: Float, high: Float) {
    let (low, high) = ends
    return (low == 0 ? first { $0 == 0 } : low, high)
  }

  /// The first value that is furthest from zero.
  @inline(__always)
  var furthest: Float {
    let (low, high) = ends
    guard high != -low else { return high == 0 ? 0 : first { abs($0) == high } }
    // Without a branch, which would be taken at random: bits of numbers above zero have the order of the numbers.
    let (below, above) = (Int32(bitPattern: (-low).bitPattern), Int32(bitPattern: high.bitPattern))
    let sign = UInt32(truncatingIfNeeded: (Int64(above) - Int64(below)) >> 63) & 0x8000_0000
    return Float(bitPattern: UInt32(bitPattern: max(below, above)) | sign)
  }

  @inline(__always)
  private var ends: (low: Float, high: Float) {
    let (a, b, c, d) = values
    let low = a.smaller(b).smaller(c.smaller(d)).smallest
    return (low, a.larger(b).larger(c.larger(d)).largest)
  }

  private func first(_ isSought: (Float) -> Bool) -> Float {
    for lanes in [values.0, values.1, values.2, values.3] {
      for lane in 0..<8 where isSought(lanes[lane]) { return lanes[lane] }
    }
    return 0
  }
}

/// How the values of a block become levels from zero on: `(value - minimum) · inverse + offset`, cut off.
private struct LevelRule {
  /// The scale that is stored.
  private let scale: Float
  /// The minimum that is stored; nil for none.
  private let minimum: Float?
  private let inverse: Float
  private let offset: Float
  private let highest: Float

  /// Levels around zero, of which the value furthest from zero has the lowest.
  @inline(__always)
  init(around row: FourLanes, half: Float) {
    scale = row.furthest / -half
    inverse = scale == 0 ? 0 : 1 / scale
    (minimum, offset, highest) = (nil, half + 0.5, 2 * half - 1)
  }

  /// Levels from the least value up to the greatest.
  @inline(__always)
  init(from row: FourLanes, highest: Float) {
    let (low, high) = row.range
    scale = (high - low) / highest
    inverse = scale == 0 ? 0 : 1 / scale
    (minimum, offset, self.highest) = (low, 0.5, highest)
  }

  /// Writes scale, minimum, the fifth bits of all levels where there are such, and their low bits.
  @inline(__always)
  func put(
    _ row: FourLanes, fifths: Int? = nil, codes: Int, into block: UnsafeMutableRawPointer,
    _ sums: inout LaneSums
  ) {
    // Nothing overflows but in blocks of next to nothing and of more than there is.
    guard scale.isFinite, inverse.isFinite else {
      return putTamed(row, fifths: fifths, codes: codes, into: block, &sums)
    }
    put(row, fifths: fifths, codes: codes, into: block, &sums) { $0 }
  }

  /// Sums that are no number, as after division by next to nothing, give the level zero, as on x86.
  @inline(never)
  private func putTamed(
    _ row: FourLanes, fifths: Int?, codes: Int, into block: UnsafeMutableRawPointer,
    _ sums: inout LaneSums
  ) {
    put(row, fifths: fifths, codes: codes, into: block, &sums) { sum in
      sum.replacing(with: 0, where: .!(sum.magnitude .< 128) .| (sum .< 0))
    }
  }

  @inline(__always)
  private func put(
    _ row: FourLanes, fifths: Int?, codes: Int, into block: UnsafeMutableRawPointer,
    _ sums: inout LaneSums, tamed: (Lanes) -> Lanes
  ) {
    let scale = FloatBits.f16(scale)
    block.storeBytes(of: scale.littleEndian, as: UInt16.self)
    let step = FloatBits.float(f16: scale)
    var (zero, start) = (offset - 0.5, Float.zero)
    if let minimum {
      let stored = FloatBits.f16(minimum)
      block.storeBytes(of: stored.littleEndian, toByteOffset: 2, as: UInt16.self)
      (zero, start) = (0, FloatBits.float(f16: stored))
    }
    @inline(__always) func levels(_ values: Lanes) -> Lanes {
      whole(tamed((values - (minimum ?? 0)) * inverse + offset))
    }
    let (a, b) = (levels(row.values.0), levels(row.values.1))
    let (c, d) = (levels(row.values.2), levels(row.values.3))
    sums.add(
      row,
      stored: (
        (a - zero) * step + start, (b - zero) * step + start, (c - zero) * step + start,
        (d - zero) * step + start
      ))
    guard let fifths else {
      block.storeBytes(of: (a + 16 * c).word.littleEndian, toByteOffset: codes, as: UInt64.self)
      block.storeBytes(of: (b + 16 * d).word.littleEndian, toByteOffset: codes + 8, as: UInt64.self)
      return
    }
    let words = (a.word, b.word, c.word, d.word)
    let low: UInt64 = 0x0f0f_0f0f_0f0f_0f0f
    block.storeBytes(
      of: (words.0 & low | (words.2 & low) << 4).littleEndian, toByteOffset: codes, as: UInt64.self)
    block.storeBytes(
      of: (words.1 & low | (words.3 & low) << 4).littleEndian, toByteOffset: codes + 8,
      as: UInt64.self)
    let high = SIMD4(words.0.fifths, words.1.fifths, words.2.fifths, words.3.fifths)
    block.storeBytes(of: high, toByteOffset: fifths, as: SIMD4<UInt8>.self)
  }

  /// The whole parts of numbers from 0 on, cut off.
  @inline(__always)
  private func whole(_ sum: Lanes) -> Lanes {
    // Sums with 2^23 are whole numbers, some of them rounded up.
    let near = sum + 8_388_608 - 8_388_608
    let up = unsafeBitCast(near .> sum, to: SIMD8<UInt32>.self) & Float(1).bitPattern
    return (near - unsafeBitCast(up, to: Lanes.self)).smaller(Lanes(repeating: highest))
  }
}

extension UInt64 {
  /// The fifth bits of eight levels, each in a byte.
  fileprivate var fifths: UInt8 {
    UInt8(truncatingIfNeeded: ((self >> 4 & 0x0101_0101_0101_0101) &* 0x0102_0408_1020_4080) >> 56)
  }
}
