/// Sums over rows of doubles, always taken in the same order.
enum Vector {
  /// The inner product of two rows of the same length.
  static func dot(_ x: UnsafePointer<Double>, _ y: UnsafePointer<Double>, _ count: Int) -> Double {
    var sums = SIMD4<Double>()
    var index = 0
    while index &+ 4 <= count {
      let a = UnsafeRawPointer(x + index).loadUnaligned(as: SIMD4<Double>.self)
      let b = UnsafeRawPointer(y + index).loadUnaligned(as: SIMD4<Double>.self)
      sums += a * b
      index &+= 4
    }
    var sum = sums.sum()
    while index < count {
      sum += x[index] * y[index]
      index &+= 1
    }
    return sum
  }

  /// `y += factor · x`.
  static func add(
    _ factor: Double, _ x: UnsafePointer<Double>, to y: UnsafeMutablePointer<Double>, _ count: Int
  ) {
    for index in 0..<count { y[index] += factor * x[index] }
  }

  /// Turns two rows in their plane: `x = c x - s y`, `y = s x + c y`.
  static func rotate(
    _ x: UnsafeMutablePointer<Double>, _ y: UnsafeMutablePointer<Double>, c: Double, s: Double,
    _ count: Int
  ) {
    for index in 0..<count {
      let (a, b) = (x[index], y[index])
      x[index] = c * a - s * b
      y[index] = s * a + c * b
    }
  }
}
