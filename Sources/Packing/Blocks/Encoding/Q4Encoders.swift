import Tensors

extension Q4Zero: BlockEncoder {
  static func encode(
    _ values: UnsafePointer<Float>, blocks count: Int, into place: UnsafeMutableRawPointer
  ) {
    for block in 0..<count {
      let row = FourLanes(values + 32 * block)
      LevelRule(around: row, half: 8).put(row, codes: 2, into: place + block * type.unit.bytes)
    }
  }
}

extension Q4One: BlockEncoder {
  static func encode(
    _ values: UnsafePointer<Float>, blocks count: Int, into place: UnsafeMutableRawPointer
  ) {
    for block in 0..<count {
      let row = FourLanes(values + 32 * block)
      LevelRule(from: row, highest: 15).put(row, codes: 4, into: place + block * type.unit.bytes)
    }
  }
}

extension Q5Zero: BlockEncoder {
  static func encode(
    _ values: UnsafePointer<Float>, blocks count: Int, into place: UnsafeMutableRawPointer
  ) {
    for block in 0..<count {
      let row = FourLanes(values + 32 * block)
      LevelRule(around: row, half: 16)
        .put(row, fifths: 2, codes: 6, into: place + block * type.unit.bytes)
    }
  }
}

extension Q5One: BlockEncoder {
  static func encode(
    _ values: UnsafePointer<Float>, blocks count: Int, into place: UnsafeMutableRawPointer
  ) {
    for block in 0..<count {
      let row = FourLanes(values + 32 * block)
      LevelRule(from: row, highest: 31)
        .put(row, fifths: 4, codes: 8, into: place + block * type.unit.bytes)
    }
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
  var distance: Float {
    let (a, b, c, d) = values
    return larger(larger(a.magnitude, b.magnitude), larger(c.magnitude, d.magnitude)).max()
  }

  /// The least and the greatest value; of zeros of both signs, the first.
  var range: (low: Float, high: Float) {
    let (a, b, c, d) = values
    let high = larger(larger(a, b), larger(c, d)).max()
    let low = -larger(larger(-a, -b), larger(-c, -d)).max()
    return (low == 0 ? first { $0 == 0 } : low, high)
  }

  /// The first value that is furthest from zero.
  var furthest: Float {
    let distance = distance
    return distance == 0 ? 0 : first { abs($0) == distance }
  }

  private func first(_ isSought: (Float) -> Bool) -> Float {
    for lanes in [values.0, values.1, values.2, values.3] {
      for lane in 0..<8 where isSought(lanes[lane]) { return lanes[lane] }
    }
    return 0
  }

  @inline(__always)
  private func larger(_ a: Lanes, _ b: Lanes) -> Lanes { a.replacing(with: b, where: b .> a) }
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
  init(around row: FourLanes, half: Float) {
    scale = row.furthest / -half
    inverse = scale == 0 ? 0 : 1 / scale
    (minimum, offset, highest) = (nil, half + 0.5, 2 * half - 1)
  }

  /// Levels from the least value up to the greatest.
  init(from row: FourLanes, highest: Float) {
    let (low, high) = row.range
    scale = (high - low) / highest
    inverse = scale == 0 ? 0 : 1 / scale
    (minimum, offset, self.highest) = (low, 0.5, highest)
  }

  /// Writes scale, minimum, the fifth bits of all levels where there are such, and their low bits.
  @inline(__always)
  func put(
    _ row: FourLanes, fifths: Int? = nil, codes: Int, into block: UnsafeMutableRawPointer
  ) {
    block.storeBytes(of: FloatBits.f16(scale).littleEndian, as: UInt16.self)
    if let minimum {
      block.storeBytes(of: FloatBits.f16(minimum).littleEndian, toByteOffset: 2, as: UInt16.self)
    }
    let (a, b) = (levels(row.values.0), levels(row.values.1))
    let (c, d) = (levels(row.values.2), levels(row.values.3))
    block.storeBytes(of: a & 15 | c &<< 4, toByteOffset: codes, as: SIMD8<UInt8>.self)
    block.storeBytes(of: b & 15 | d &<< 4, toByteOffset: codes + 8, as: SIMD8<UInt8>.self)
    if let fifths {
      let high = SIMD4(a.fifths, b.fifths, c.fifths, d.fifths)
      block.storeBytes(of: high, toByteOffset: fifths, as: SIMD4<UInt8>.self)
    }
  }

  /// The levels; what is no number, as after division by next to nothing, is zero as on x86.
  @inline(__always)
  private func levels(_ values: Lanes) -> SIMD8<UInt8> {
    let sum = (values - (minimum ?? 0)) * inverse + offset
    let whole = sum.nearest
    let cut = whole.replacing(with: whole - 1, where: whole .> sum)
    return cut.replacing(with: highest, where: cut .> highest)
      .replacing(with: 0, where: .!(sum.magnitude .< 128)).bytes
  }
}

extension SIMD8<UInt8> {
  /// The fifth bits of eight levels.
  fileprivate var fifths: UInt8 {
    ((self &>> 4) &<< SIMD8<UInt8>(0, 1, 2, 3, 4, 5, 6, 7)).wrappedSum()
  }
}
