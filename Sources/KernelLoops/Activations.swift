import Kernels

enum Activations: ActivationKernels {
  @inline(never)
  static func identity(_ x: MutableFloats, _ count: Int, _ slope: Float) {}

  @inline(never)
  static func sigmoid(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    mapInPlace(x, count, VectorMath.sigmoid)
  }

  @inline(never)
  static func logSigmoid(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      limited(x, -.infinity, 0) - logOnePlusExp(0 - magnitude(x))
    }
    mapInPlace(x, count, lane)
  }

  @inline(never)
  static func silu(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    mapInPlace(x, count, VectorMath.silu)
  }

  @inline(never)
  static func tanh(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    mapInPlace(x, count, VectorMath.tanh)
  }

  @inline(never)
  static func tanhShrink(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      (x - VectorMath.tanh(x)).replacing(with: series(x), where: magnitude(x) .< 0.5)
    }
    // Near zero the difference loses all its digits, which a norm behind it would bring to light.
    @inline(__always) func series(_ x: Lanes) -> Lanes {
      let y = x * x
      var sum = Lanes(repeating: 929_569.0 / 638_512_875)
      sum = fused(Lanes(repeating: -21_844.0 / 6_081_075), sum, y)
      sum = fused(Lanes(repeating: 1_382.0 / 155_925), sum, y)
      sum = fused(Lanes(repeating: -62.0 / 2_835), sum, y)
      sum = fused(Lanes(repeating: 17.0 / 315), sum, y)
      sum = fused(Lanes(repeating: -2.0 / 15), sum, y)
      sum = fused(Lanes(repeating: 1.0 / 3), sum, y)
      return x * y * sum
    }
    mapInPlace(x, count, lane)
  }

  @inline(never)
  static func softplus(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    mapInPlace(x, count, VectorMath.softplus)
  }

  @inline(never)
  static func mish(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      x * VectorMath.tanh(VectorMath.softplus(x))
    }
    mapInPlace(x, count, lane)
  }

  @inline(never)
  static func gelu(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      0.5 * x * (1 + VectorMath.erf(x * 0.707_106_781))
    }
    mapInPlace(x, count, lane)
  }

  @inline(never)
  static func geluTanh(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      let inner = 0.797_884_561 * (x + 0.044_715 * x * x * x)
      return 0.5 * x * (1 + VectorMath.tanh(inner))
    }
    mapInPlace(x, count, lane)
  }

  @inline(never)
  static func elu(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      exponentialUnit(x, 1)
    }
    mapInPlace(x, count, lane)
  }

  @inline(never)
  static func selu(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      1.050_700_987_355_48 * exponentialUnit(x, 1.673_263_242_354_377)
    }
    mapInPlace(x, count, lane)
  }

  @inline(__always)
  private static func exponentialUnit(_ x: Lanes, _ alpha: Float) -> Lanes {
    (alpha * VectorMath.expm1(limited(x, -.infinity, 0))).replacing(with: x, where: x .> 0)
  }

  @inline(__always)
  private static func logOnePlusExp(_ x: Lanes) -> Lanes { VectorMath.log1p(VectorMath.exp(x)) }
}
