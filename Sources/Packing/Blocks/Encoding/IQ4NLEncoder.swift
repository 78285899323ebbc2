import Tensors

extension IQ4NL: WeighingEncoder {
  private static let size = 32

  static func encode(
    _ values: UnsafePointer<Float>, blocks count: Int, into place: UnsafeMutableRawPointer
  ) {
    SideBySide.encode(values, blocks: count) { lanes, blocks in
      for index in 0..<size { lanes.weights[index] = lanes.values[index] * lanes.values[index] }
      put(lanes, blocks, into: place)
    }
  }

  static func encode(
    row values: UnsafePointer<Float>, blocks count: Int, importances: UnsafePointer<Float>,
    into place: UnsafeMutableRawPointer
  ) {
    SideBySide.encode(values, blocks: count) { lanes, blocks in
      lanes.load(importances, blocks, into: lanes.weights)
      var energy = Lanes.zero
      for index in 0..<size { energy += lanes.values[index] * lanes.values[index] }
      energy *= 2 / Float(size)
      for index in 0..<size {
        lanes.weights[index] = lanes.weights[index].weight(of: lanes.values[index], energy: energy)
      }
      put(lanes, blocks, into: place)
    }
  }

  private static func put(
    _ lanes: SideBySide, _ blocks: Range<Int>, into place: UnsafeMutableRawPointer
  ) {
    let scale = scales(lanes.values, lanes.weights)
    let inverse = (1 / scale).replacing(with: 0, where: scale .== 0)
    for (lane, block) in blocks.enumerated() {
      place.storeBytes(
        of: FloatBits.f16(scale[lane]).littleEndian, toByteOffset: 18 * block, as: UInt16.self)
    }
    for index in 0..<16 {
      let low = NonLinear.codes(inverse * lanes.values[index])
      let high = NonLinear.codes(inverse * lanes.values[index + 16])
      let codes = low | high &<< 4
      for (lane, block) in blocks.enumerated() {
        place.storeBytes(of: codes[lane], toByteOffset: 18 * block + 2 + index, as: UInt8.self)
      }
    }
  }

  /// The scales: of trials that put the value furthest from zero at levels from -134 to -120, the one
  /// that fits best.
  private static func scales(_ values: UnsafePointer<Lanes>, _ weights: UnsafePointer<Lanes>)
    -> Lanes
  {
    var (furthest, distance) = (Lanes.zero, Lanes.zero)
    for index in 0..<size {
      let isFurther = values[index].magnitude .> distance
      distance.replace(with: values[index].magnitude, where: isFurther)
      furthest.replace(with: values[index], where: isFurther)
    }
    var sums = fit(values, weights, 1 / (-furthest / -127))
    var scale = (sums.xq / sums.q2).replacing(with: 0, where: .!(sums.q2 .> 0))
    var best = scale * sums.xq
    for step in -7...7 {
      sums = fit(values, weights, Float(step - 127) / furthest)
      let isBetter = (sums.q2 .> 0) .& (sums.xq * sums.xq .> best * sums.q2)
      scale.replace(with: sums.xq / sums.q2, where: isBetter)
      best.replace(with: scale * sums.xq, where: isBetter)
    }
    return scale.replacing(with: 0, where: distance .< ScaleSearch.least)
  }

  /// The sums of weighted levels times values and times levels.
  @inline(__always)
  private static func fit(
    _ values: UnsafePointer<Lanes>, _ weights: UnsafePointer<Lanes>, _ inverse: Lanes
  ) -> (xq: Lanes, q2: Lanes) {
    var (xq, q2) = (Lanes.zero, Lanes.zero)
    for index in 0..<size {
      let level = NonLinear.level(inverse * values[index])
      let weighted = weights[index] * level
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
