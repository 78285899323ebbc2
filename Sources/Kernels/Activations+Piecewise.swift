extension Activations {
  /// `max(x, 0)`.
  @inline(never)
  public static func relu(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      limited(x, 0, .infinity)
    }
    mapInPlace(x, count, lane)
  }

  /// `max(x, 0)²`.
  @inline(never)
  public static func reluSquared(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      let positive = limited(x, 0, .infinity)
      return positive * positive
    }
    mapInPlace(x, count, lane)
  }

  /// `x` limited to `[0, 6]`.
  @inline(never)
  public static func relu6(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      limited(x, 0, 6)
    }
    mapInPlace(x, count, lane)
  }

  /// `x` limited to `[-1, 1]`.
  @inline(never)
  public static func hardTanh(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      limited(x, -1, 1)
    }
    mapInPlace(x, count, lane)
  }

  /// The logistic function in three straight pieces.
  @inline(never)
  public static func hardSigmoid(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      limited(x + 3, 0, 6) / 6
    }
    mapInPlace(x, count, lane)
  }

  /// Multiplies by the logistic function in three straight pieces.
  @inline(never)
  public static func hardSwish(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      x * limited(x + 3, 0, 6) / 6
    }
    mapInPlace(x, count, lane)
  }

  /// Sets values between -1/2 and 1/2 to 0.
  @inline(never)
  public static func hardShrink(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      x.replacing(with: 0, where: magnitude(x) .<= 0.5)
    }
    mapInPlace(x, count, lane)
  }

  /// Moves every value towards 0 by 1/2.
  @inline(never)
  public static func softShrink(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      let negative = (x + 0.5).replacing(with: 0, where: x .>= -0.5)
      return negative.replacing(with: x - 0.5, where: x .> 0.5)
    }
    mapInPlace(x, count, lane)
  }

  /// `x / (1 + |x|)`.
  @inline(never)
  public static func softSign(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      x / (1 + magnitude(x))
    }
    mapInPlace(x, count, lane)
  }

  /// Multiplies negative values by 1/100.
  @inline(never)
  public static func leakyReLU(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      x.replacing(with: 0.01 * x, where: x .< 0)
    }
    mapInPlace(x, count, lane)
  }

  /// Multiplies negative values by the mean of 1/8 and 1/3.
  @inline(never)
  public static func rrelu(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      x.replacing(with: (11.0 / 48) * x, where: x .< 0)
    }
    mapInPlace(x, count, lane)
  }

  /// Multiplies negative values by a learned slope.
  @inline(never)
  public static func prelu(_ x: MutableFloats, _ count: Int, _ slope: Float) {
    @inline(__always) func lane(_ x: Lanes) -> Lanes {
      x.replacing(with: slope * x, where: x .< 0)
    }
    mapInPlace(x, count, lane)
  }
}
