import Tensors

extension Q6K: BlockEncoder {
  static func encode(
    _ values: UnsafePointer<Float>, blocks count: Int, into place: UnsafeMutableRawPointer
  ) {
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 32 + 32 + ScaleSearch.scratch) { room in
      guard let lanes = room.baseAddress else { return }
      for block in 0..<count {
        encode(values + 256 * block, into: place + block * type.unit.bytes, lanes)
      }
    }
  }

  /// Rounds one block, of 16 runs of 16 values: the first eight runs, then the others.
  private static func encode(
    _ values: UnsafePointer<Float>, into block: UnsafeMutableRawPointer,
    _ lanes: UnsafeMutablePointer<Lanes>
  ) {
    let (levels, scratch) = (lanes + 32, lanes + 64)
    for index in 0..<32 {
      lanes[index] = Lanes(values + 128 * (index >> 4) + index & 15, stride: 16)
    }
    let halves = [0, 16].map { ScaleSearch.scales(lanes + $0, levels: levels + $0, scratch) }
    var largest: Float = 0
    for scale in halves.flatMap({ half in (0..<8).map { half[$0] } })
    where abs(scale) > abs(largest) { largest = scale }
    guard abs(largest) >= ScaleSearch.least else {
      block.initializeMemory(as: UInt8.self, repeating: 0, count: type.unit.bytes)
      return
    }
    let inverse = -128 / largest
    let scale = FloatBits.f16(1 / inverse)
    block.storeBytes(of: scale.littleEndian, toByteOffset: 208, as: UInt16.self)
    for (half, scales) in halves.enumerated() {
      let whole = (inverse * scales).nearest
      let kept = whole.replacing(with: 127, where: whole .> 127)
      for lane in 0..<8 {
        block.storeBytes(
          of: Int8(truncatingIfNeeded: Int32(kept[lane])), toByteOffset: 192 + 8 * half + lane,
          as: Int8.self)
      }
      let d = FloatBits.float(f16: scale) * kept
      for index in 16 * half..<16 * half + 16 {
        let found = (lanes[index] / d).nearest.clamped(-32, 31) + 32
        levels[index].replace(with: found, where: .!(d .== 0))
      }
    }
    put(levels, into: block)
  }

  /// Writes the levels.
  private static func put(_ levels: UnsafePointer<Lanes>, into block: UnsafeMutableRawPointer) {
    for half in 0..<2 {
      for place in 0..<32 {
        // Of the eight runs of a half, these hold the values at a distance of 32.
        let codes = levels[16 * half + place & 15].bytes
        let four = place < 16 ? codes.evenHalf : codes.oddHalf
        let low = four.lowHalf & 15 | four.highHalf &<< 4
        let high = four[0] >> 4 | (four[1] >> 4) << 2 | (four[2] >> 4) << 4 | (four[3] >> 4) << 6
        block.storeBytes(of: low[0], toByteOffset: 64 * half + place, as: UInt8.self)
        block.storeBytes(of: low[1], toByteOffset: 64 * half + 32 + place, as: UInt8.self)
        block.storeBytes(of: high, toByteOffset: 128 + 32 * half + place, as: UInt8.self)
      }
    }
  }
}

/// Finds the scales of eight runs of 16 values, for levels from -32 to 31, of which the value furthest from zero
/// has about the lowest.
private enum ScaleSearch {
  /// Values nearer to zero count as zero.
  static let least: Float = 1e-15
  private static let size = 16
  /// Room for weights, weighted values and the levels of a trial.
  static let scratch = 3 * size

  /// The scales; runs of zeros have levels of zero, which stand for -32.
  static func scales(
    _ values: UnsafePointer<Lanes>, levels: UnsafeMutablePointer<Lanes>,
    _ scratch: UnsafeMutablePointer<Lanes>
  ) -> Lanes {
    let (weights, weighted, trial) = (scratch, scratch + size, scratch + 2 * size)
    var (furthest, distance) = (Lanes.zero, Lanes.zero)
    for index in 0..<size {
      let value = values[index]
      let isFurther = value.magnitude .> distance
      distance.replace(with: value.magnitude, where: isFurther)
      furthest.replace(with: value, where: isFurther)
      weights[index] = value * value
      weighted[index] = weights[index] * value
    }
    let isZero = distance .< least
    var sums = place(values, weights, weighted, -32 / furthest, into: levels)
    var scale = (sums.xl / sums.l2).replacing(with: 0, where: sums.l2 .== 0)
    var best = scale * sums.xl
    for step in -9...9 where step != 0 {
      let inverse = -(32 + 0.1 * Float(step)) / furthest
      sums = place(values, weights, weighted, inverse, into: trial)
      let isBetter = (sums.l2 .> 0) .& (sums.xl * sums.xl .> best * sums.l2)
      guard any(isBetter) else { continue }
      scale.replace(with: sums.xl / sums.l2, where: isBetter)
      best.replace(with: scale * sums.xl, where: isBetter)
      for index in 0..<size { levels[index].replace(with: trial[index], where: isBetter) }
    }
    for index in 0..<size { levels[index] = (levels[index] + 32).replacing(with: 0, where: isZero) }
    return scale.replacing(with: 0, where: isZero)
  }

  /// The levels of values, and the sums of weighted levels times values and times levels.
  @inline(__always)
  private static func place(
    _ values: UnsafePointer<Lanes>, _ weights: UnsafePointer<Lanes>,
    _ weighted: UnsafePointer<Lanes>, _ inverse: Lanes, into levels: UnsafeMutablePointer<Lanes>
  ) -> (xl: Lanes, l2: Lanes) {
    var (xl, l2) = (Lanes.zero, Lanes.zero)
    for index in 0..<size {
      let level = (inverse * values[index]).nearest.clamped(-32, 31)
      levels[index] = level
      xl += weighted[index] * level
      l2 += weights[index] * level * level
    }
    return (xl, l2)
  }
}
