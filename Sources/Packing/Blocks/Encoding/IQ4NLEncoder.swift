import Tensors

extension IQ4NL: BlockEncoder {
  private static let size = 32
  /// Values nearer to zero count as zero.
  private static let least: Float = 1e-15

  /// Eight blocks are rounded side by side; what is missing of the last eight is the last block again.
  static func encode(
    _ values: UnsafePointer<Float>, blocks count: Int, into place: UnsafeMutableRawPointer
  ) {
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: size) { room in
      guard let lanes = room.baseAddress else { return }
      for first in stride(from: 0, to: count, by: 8) {
        let blocks = min(8, count - first)
        for index in 0..<size {
          for lane in 0..<8 {
            lanes[index][lane] = values[(first + min(lane, blocks - 1)) * size + index]
          }
        }
        encode(lanes, blocks, into: place + first * type.unit.bytes)
      }
    }
  }

  private static func encode(
    _ values: UnsafePointer<Lanes>, _ count: Int, into place: UnsafeMutableRawPointer
  ) {
    let scale = scales(values)
    let inverse = (1 / scale).replacing(with: 0, where: scale .== 0)
    for block in 0..<count {
      place.storeBytes(
        of: FloatBits.f16(scale[block]).littleEndian, toByteOffset: 18 * block, as: UInt16.self)
    }
    for index in 0..<16 {
      let low = NonLinear.codes(inverse * values[index])
      let high = NonLinear.codes(inverse * values[index + 16])
      let codes = low | high &<< 4
      for block in 0..<count {
        place.storeBytes(of: codes[block], toByteOffset: 18 * block + 2 + index, as: UInt8.self)
      }
    }
  }

  /// The scales: of trials that put the value furthest from zero at levels from -134 to -120, the one
  /// that fits squares best.
  private static func scales(_ values: UnsafePointer<Lanes>) -> Lanes {
    var (furthest, distance) = (Lanes.zero, Lanes.zero)
    for index in 0..<size {
      let isFurther = values[index].magnitude .> distance
      distance.replace(with: values[index].magnitude, where: isFurther)
      furthest.replace(with: values[index], where: isFurther)
    }
    var sums = fit(values, 1 / (-furthest / -127))
    var scale = (sums.xq / sums.q2).replacing(with: 0, where: .!(sums.q2 .> 0))
    var best = scale * sums.xq
    for step in -7...7 {
      sums = fit(values, Float(step - 127) / furthest)
      let isBetter = (sums.q2 .> 0) .& (sums.xq * sums.xq .> best * sums.q2)
      scale.replace(with: sums.xq / sums.q2, where: isBetter)
      best.replace(with: scale * sums.xq, where: isBetter)
    }
    return scale.replacing(with: 0, where: distance .< least)
  }

  /// The sums of weighted levels times values and times levels.
  @inline(__always)
  private static func fit(_ values: UnsafePointer<Lanes>, _ inverse: Lanes) -> (
    xq: Lanes, q2: Lanes
  ) {
    var (xq, q2) = (Lanes.zero, Lanes.zero)
    for index in 0..<size {
      let level = NonLinear.level(inverse * values[index])
      let weighted = values[index] * values[index] * level
      xq += weighted * values[index]
      q2 += weighted * level
    }
    return (xq, q2)
  }
}

/// The nearest of the levels of IQ4_NL: one more for each middle between two of them that a value reaches.
private enum NonLinear {
  /// The middles, and how far apart the levels are there.
  private static let steps: [(middle: Float, distance: Float)] = [
    (-115.5, 23), (-93.5, 21), (-74, 18), (-57, 16), (-42, 14), (-28.5, 13), (-16, 12), (-4.5, 11),
    (7, 12), (19, 12), (31.5, 13), (45.5, 15), (61, 16), (79, 20), (101, 24),
  ]

  @inline(__always)
  static func level(_ value: Lanes) -> Lanes {
    var level = Lanes(repeating: -127)
    level += Lanes(repeating: 23).replacing(with: 0, where: .!(value .>= -115.5))
    level += Lanes(repeating: 21).replacing(with: 0, where: .!(value .>= -93.5))
    level += Lanes(repeating: 18).replacing(with: 0, where: .!(value .>= -74))
    level += Lanes(repeating: 16).replacing(with: 0, where: .!(value .>= -57))
    level += Lanes(repeating: 14).replacing(with: 0, where: .!(value .>= -42))
    level += Lanes(repeating: 13).replacing(with: 0, where: .!(value .>= -28.5))
    level += Lanes(repeating: 12).replacing(with: 0, where: .!(value .>= -16))
    level += Lanes(repeating: 11).replacing(with: 0, where: .!(value .>= -4.5))
    level += Lanes(repeating: 12).replacing(with: 0, where: .!(value .>= 7))
    level += Lanes(repeating: 12).replacing(with: 0, where: .!(value .>= 19))
    level += Lanes(repeating: 13).replacing(with: 0, where: .!(value .>= 31.5))
    level += Lanes(repeating: 15).replacing(with: 0, where: .!(value .>= 45.5))
    level += Lanes(repeating: 16).replacing(with: 0, where: .!(value .>= 61))
    level += Lanes(repeating: 20).replacing(with: 0, where: .!(value .>= 79))
    level += Lanes(repeating: 24).replacing(with: 0, where: .!(value .>= 101))
    return level
  }

  static func codes(_ values: Lanes) -> SIMD8<UInt8> {
    var codes = SIMD8<UInt8>()
    for lane in 0..<8 {
      codes[lane] = UInt8(truncatingIfNeeded: steps.count { values[lane] >= $0.middle })
    }
    return codes
  }
}
