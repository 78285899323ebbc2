import Kernels

extension Activations {
  @inline(never)
  static func relu(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      limited(x, 0, .infinity)
    }
    mapInPlace(x, count, lane)
  }

  @inline(never)
  static func reluSquared(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      let positive = limited(x, 0, .infinity)
      return positive * positive
    }
    mapInPlace(x, count, lane)
  }

  @inline(never)
  static func relu6(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      limited(x, 0, 6)
    }
    mapInPlace(x, count, lane)
  }

  @inline(never)
  static func hardTanh(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      limited(x, -1, 1)
    }
    mapInPlace(x, count, lane)
  }

  @inline(never)
  static func hardSigmoid(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      limited(x + 3, 0, 6) / 6
    }
    mapInPlace(x, count, lane)
  }

  @inline(never)
  static func hardSwish(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      x * limited(x + 3, 0, 6) / 6
    }
    mapInPlace(x, count, lane)
  }

  @inline(never)
  static func hardShrink(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      x.replacing(with: 0, where: magnitude(x) .<= 0.5)
    }
    mapInPlace(x, count, lane)
  }

  @inline(never)
  static func softShrink(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      let negative = (x + 0.5).replacing(with: 0, where: x .>= -0.5)
      return negative.replacing(with: x - 0.5, where: x .> 0.5)
    }
    mapInPlace(x, count, lane)
  }

  @inline(never)
  static func softSign(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      x / (1 + magnitude(x))
    }
    mapInPlace(x, count, lane)
  }

  @inline(never)
  static func leakyReLU(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      x.replacing(with: 0.01 * x, where: x .< 0)
    }
    mapInPlace(x, count, lane)
  }

  @inline(never)
  static func rrelu(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      x.replacing(with: (11.0 / 48) * x, where: x .< 0)
    }
    mapInPlace(x, count, lane)
  }

  @inline(never)
  static func prelu(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      x.replacing(with: slope * x, where: x .< 0)
    }
    mapInPlace(x, count, lane)
  }
}
