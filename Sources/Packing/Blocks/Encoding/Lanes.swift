/// Eight runs of values side by side: sums of a lane are formed in the order of its run.
typealias Lanes = SIMD8<Float>

extension Lanes {
  /// The nearest whole number, halves to even, as ggml finds it: the last 23 bits of the sum with
  /// 1.5 · 2^23, whatever the value is.
  @inline(__always)
  var nearest: Lanes {
    let sum = unsafeBitCast(self + 12_582_912, to: SIMD8<UInt32>.self)
    return unsafeBitCast(sum & 0x007f_ffff | 0x4b00_0000, to: Lanes.self) - 12_582_912
  }

  @inline(__always)
  func clamped(_ low: Float, _ high: Float) -> Lanes {
    let raised = replacing(with: low, where: self .< low)
    return raised.replacing(with: high, where: raised .> high)
  }

  /// Of each two values the larger; this where they are equal or no numbers.
  ///
  /// Written lane by lane, it becomes one instruction; by masks it would become four where there is no AVX.
  @inline(__always)
  func larger(_ other: Lanes) -> Lanes {
    var result = self
    for lane in 0..<8 { result[lane] = other[lane] > self[lane] ? other[lane] : self[lane] }
    return result
  }

  /// Of each two values the smaller; this where they are equal or no numbers.
  @inline(__always)
  func smaller(_ other: Lanes) -> Lanes {
    var result = self
    for lane in 0..<8 { result[lane] = other[lane] < self[lane] ? other[lane] : self[lane] }
    return result
  }

  /// The largest value.
  @inline(__always)
  var largest: Float {
    let half = larger(Lanes(lowHalf: highHalf, highHalf: highHalf))
    let quarter = half.larger(half.moved(by: 2))
    return quarter.larger(quarter.moved(by: 1))[0]
  }

  /// The smallest value.
  @inline(__always)
  var smallest: Float {
    let half = smaller(Lanes(lowHalf: highHalf, highHalf: highHalf))
    let quarter = half.smaller(half.moved(by: 2))
    return quarter.smaller(quarter.moved(by: 1))[0]
  }

  /// Lanes further up, in the place of the first ones.
  @inline(__always)
  private func moved(by count: Int) -> Lanes {
    var result = self
    for lane in 0..<8 - count { result[lane] = self[lane + count] }
    return result
  }

  /// The values without their signs.
  @inline(__always)
  var magnitude: Lanes {
    unsafeBitCast(unsafeBitCast(self, to: SIMD8<UInt32>.self) & 0x7fff_ffff, to: Lanes.self)
  }

  /// Whole numbers from 0 to 255, as bytes.
  @inline(__always)
  var bytes: SIMD8<UInt8> { unsafeBitCast(word.littleEndian, to: SIMD8<UInt8>.self) }

  /// Whole numbers from 0 to 255, each in eight bits, the first in the lowest.
  @inline(__always)
  var word: UInt64 {
    let codes = unsafeBitCast(self + 8_388_608, to: SIMD8<UInt32>.self)
    var bytes = SIMD8<UInt8>()
    for lane in 0..<8 { bytes[lane] = UInt8(truncatingIfNeeded: codes[lane]) }
    return unsafeBitCast(bytes, to: UInt64.self).littleEndian
  }

  /// Values at equal distances.
  @inline(__always)
  init(_ first: UnsafePointer<Float>, stride: Int) {
    self.init(
      first[0], first[stride], first[2 &* stride], first[3 &* stride], first[4 &* stride],
      first[5 &* stride], first[6 &* stride], first[7 &* stride])
  }
}

extension Float {
  /// The nearest whole number, as for lanes.
  @inline(__always)
  var nearest: Int32 {
    Int32(bitPattern: (self + 12_582_912).bitPattern & 0x007f_ffff) &- 0x0040_0000
  }
}
