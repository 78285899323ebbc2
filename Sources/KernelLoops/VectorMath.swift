/// Elementary functions on one vector, within 4e-7 relative error; a NaN stays a NaN.
enum VectorMath {
  /// `eˣ`, with infinities and subnormal results.
  ///
  /// Cody-Waite reduction to `[-ln 2 / 2, ln 2 / 2]` and a polynomial of degree 6 (Cephes `expf`).
  /// The power of two is applied in two steps, so that no exponent leaves its range on the way.
  @inline(__always)
  static func exp(_ value: Lanes) -> Lanes {
    // e^-104 is below the least subnormal number and e^89 above the largest.
    let x = limited(value, -104, 89)
    // n = x / ln 2 rounded to an integer: from 1.5 · 2^23 on, F32 numbers lie one apart, so that the sum
    // rounds, and its lowest bits are n.
    let shifted = fused(Lanes(repeating: 12_582_912), 1.442_695_04, x)
    let n = shifted - 12_582_912
    // r = x - n ln 2, with ln 2 = 0.693359375 - 2.1219444e-4: n times the first is exact.
    var r = fused(x, -0.693_359_375, n)
    r = fused(r, 2.121_944_40e-4, n)
    var p = Lanes(repeating: 1.987_569_15e-4)
    p = fused(Lanes(repeating: 1.398_199_950_7e-3), p, r)
    p = fused(Lanes(repeating: 8.333_451_907_3e-3), p, r)
    p = fused(Lanes(repeating: 4.166_579_589_4e-2), p, r)
    p = fused(Lanes(repeating: 0.166_666_654_59), p, r)
    p = fused(Lanes(repeating: 0.500_000_012_01), p, r)
    p = fused(r + 1, p, r * r)
    // 0x4b40_0000 are the bits of 1.5 · 2^23.
    let exponent = unsafeBitCast(shifted, to: IntegerLanes.self) &- 0x4b40_0000
    let first = exponent &>> 1
    return p * powerOfTwo(first) * powerOfTwo(exponent &- first)
  }

  @inline(__always)
  private static func powerOfTwo(_ n: IntegerLanes) -> Lanes {
    unsafeBitCast((n &+ 127) &<< 23, to: Lanes.self)
  }

  /// `eˣ - 1`, exact to relative error near 0 as well.
  @inline(__always)
  static func expm1(_ x: Lanes) -> Lanes {
    var p = Lanes(repeating: 1 / 362_880)
    p = fused(Lanes(repeating: 1 / 40_320), p, x)
    p = fused(Lanes(repeating: 1 / 5_040), p, x)
    p = fused(Lanes(repeating: 1 / 720), p, x)
    p = fused(Lanes(repeating: 1 / 120), p, x)
    p = fused(Lanes(repeating: 1 / 24), p, x)
    p = fused(Lanes(repeating: 1 / 6), p, x)
    p = fused(Lanes(repeating: 1 / 2), p, x)
    let near = fused(x, x * x, p)
    return (exp(x) - 1).replacing(with: near, where: magnitude(x) .< 0.5)
  }

  /// The hyperbolic tangent, `x P(x²) / Q(x²)` with a minimax fit on `[-9.02, 9.02]`.
  @inline(__always)
  static func tanh(_ value: Lanes) -> Lanes {
    let x = limited(value, -9.02, 9.02)
    let y = x * x
    var p = Lanes(repeating: 1.331_782_08e-8)
    p = fused(Lanes(repeating: 2.058_258_05e-5), p, y)
    p = fused(Lanes(repeating: 3.493_980_75e-3), p, y)
    p = fused(Lanes(repeating: 0.133_796_733), p, y)
    p = fused(Lanes(repeating: 0.999_999_979), p, y)
    var q = Lanes(repeating: 7.761_506_74e-7)
    q = fused(Lanes(repeating: 3.283_003_99e-4), q, y)
    q = fused(Lanes(repeating: 2.587_087_03e-2), q, y)
    q = fused(Lanes(repeating: 0.467_129_886), q, y)
    q = fused(Lanes(repeating: 1), q, y)
    return x * p / q
  }

  /// `1 / (1 + e⁻ˣ)`.
  @inline(__always)
  static func sigmoid(_ x: Lanes) -> Lanes { 1 / (1 + exp(0 - x)) }

  /// `x / (1 + e⁻ˣ)`.
  @inline(__always)
  static func silu(_ x: Lanes) -> Lanes { x / (1 + exp(0 - x)) }

  /// `ln(1 + u)` for `u ≥ 0`.
  ///
  /// What rounding takes from `1 + u` comes back as the first-order term.
  @inline(__always)
  static func log1p(_ u: Lanes) -> Lanes {
    let w = 1 + u
    return log(w) + (u - (w - 1)) / w
  }

  /// `ln w` for normal positive `w` (Cephes `logf`).
  @inline(__always)
  private static func log(_ w: Lanes) -> Lanes {
    // w = 2^e · (1 + x) with 1 + x from √½ to √2: 0x3f35_04f3 are the bits of √½, and the exponent is what
    // stands above the 23 bits of the fraction.
    let bits = unsafeBitCast(w, to: IntegerLanes.self)
    let exponent = (bits &- 0x3f35_04f3) &>> 23
    let e = floats(exponent)
    let x = unsafeBitCast(bits &- (exponent &<< 23), to: Lanes.self) - 1
    let z = x * x
    var p = Lanes(repeating: 7.037_683_629_2e-2)
    p = fused(Lanes(repeating: -0.115_146_103_10), p, x)
    p = fused(Lanes(repeating: 0.116_769_987_40), p, x)
    p = fused(Lanes(repeating: -0.124_201_408_46), p, x)
    p = fused(Lanes(repeating: 0.142_493_227_87), p, x)
    p = fused(Lanes(repeating: -0.166_680_576_65), p, x)
    p = fused(Lanes(repeating: 0.200_007_147_65), p, x)
    p = fused(Lanes(repeating: -0.249_999_939_93), p, x)
    p = fused(Lanes(repeating: 0.333_333_311_74), p, x)
    // e ln 2 is added in two parts, as in `exp`, the small one first.
    var y = x * z * p
    y = fused(y, -2.121_944_40e-4, e)
    y = fused(y, -0.5, z)
    return fused(x + y, 0.693_359_375, e)
  }

  /// `ln(1 + eˣ)`, which is `x` above 20, as in torch.
  @inline(__always)
  static func softplus(_ x: Lanes) -> Lanes {
    log1p(exp(limited(x, -.infinity, 20))).replacing(with: x, where: x .> 20)
  }

  /// The error function, `x P(x²) / Q(x²)` on `[-4, 4]`.
  @inline(__always)
  static func erf(_ value: Lanes) -> Lanes {
    let x = limited(value, -4, 4)
    let y = x * x
    var p = Lanes(repeating: -2.726_142_258e-10)
    p = fused(Lanes(repeating: 2.770_681_424_959e-8), p, y)
    p = fused(Lanes(repeating: -2.101_024_020_825e-6), p, y)
    p = fused(Lanes(repeating: -5.692_506_394_623e-5), p, y)
    p = fused(Lanes(repeating: -7.349_906_303_269e-4), p, y)
    p = fused(Lanes(repeating: -2.954_599_808_540e-3), p, y)
    p = fused(Lanes(repeating: -1.609_603_332_624e-2), p, y)
    var q = Lanes(repeating: -1.456_607_184_650e-5)
    q = fused(Lanes(repeating: -2.133_740_552_789e-4), q, y)
    q = fused(Lanes(repeating: -1.682_826_974_382e-3), q, y)
    q = fused(Lanes(repeating: -7.373_329_167_205e-3), q, y)
    q = fused(Lanes(repeating: -1.426_473_905_142e-2), q, y)
    return x * p / q
  }
}
