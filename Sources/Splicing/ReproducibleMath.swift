/// Logarithm, exponential and the normal quantile from basic arithmetic alone, so that every machine
/// gets the same bits; a libm is free to differ in the last place.
enum ReproducibleMath {
  private static let ln2 = 0.6931471805599453

  /// The natural logarithm of a positive, normal number; relative error below 1e-15.
  static func log(_ x: Double) -> Double {
    var m = x.significand
    var e = Double(x.exponent)
    if m > 1.4142135623730951 {
      m /= 2
      e += 1
    }
    let t = (m - 1) / (m + 1)
    let t2 = t * t
    var sum = 0.0
    for k in stride(from: 25, through: 1, by: -2) { sum = sum * t2 + 1 / Double(k) }
    return e * ln2 + 2 * t * sum
  }

  /// The exponential of a number between -700 and 700; relative error below 1e-15.
  static func exp(_ x: Double) -> Double {
    let n = (x / ln2).rounded()
    let r = x - n * ln2
    var sum = 1.0
    for k in stride(from: 18, through: 1, by: -1) { sum = 1 + sum * r / Double(k) }
    return Double(sign: .plus, exponent: Int(n), significand: sum)
  }

  /// The value below which a standard normal variable falls with probability `p`.
  ///
  /// Relative error below 1.2e-9 (the rational approximation of P. J. Acklam), far below the rounding
  /// of the F32 values made from it.
  static func normalQuantile(_ p: Double) -> Double {
    if p < 0.02425 { return tail(p) }
    if p > 1 - 0.02425 { return -tail(1 - p) }
    let q = p - 0.5
    let r = q * q
    let a = [
      -3.969683028665376e+01, 2.209460984245205e+02, -2.759285104469687e+02,
      1.383577518672690e+02, -3.066479806614716e+01, 2.506628277459239e+00,
    ]
    let b = [
      -5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
      6.680131188771972e+01, -1.328068155288572e+01, 1,
    ]
    return q * polynomial(a, r) / polynomial(b, r)
  }

  private static func tail(_ p: Double) -> Double {
    let c = [
      -7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
      -2.549732539343734e+00, 4.374664141464968e+00, 2.938163982698783e+00,
    ]
    let d = [
      7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
      3.754408661907416e+00, 1,
    ]
    let q = (-2 * log(p)).squareRoot()
    return polynomial(c, q) / polynomial(d, q)
  }

  /// The polynomial with the given coefficients, highest power first.
  private static func polynomial(_ coefficients: [Double], _ x: Double) -> Double {
    coefficients.reduce(0) { $0 * x + $1 }
  }
}
