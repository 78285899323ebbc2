/// `-exp(logA) · softplus(a + bias)` with the value and the slopes that the mean of the logarithms of decay of some
/// channels has where their inputs are zero.
struct MeanDecay {
  let logA: Double
  let bias: Double
  /// What the input of each channel counts for in `a`.
  let weights: [Double]

  /// The mean over channels with these biases: of `-exp(logA) · softplus(aᵢ + biasᵢ)`, or with a bound of
  /// `lowerBound · sigmoid(exp(logA) · (aᵢ + biasᵢ))`.
  init(logA: Double, biases: [Double], lowerBound: Double?) {
    let count = Double(biases.count)
    let rate = Self.exp(logA)
    let levels: [Double]
    let slopes: [Double]
    if let lowerBound {
      // Where little is forgotten sigmoid and softplus are both exp, so that the bound becomes the rate.
      self.logA = ReproducibleMath.log(-lowerBound)
      levels = biases.map { Self.sigmoid(rate * $0) }
      slopes = levels.map { rate * $0 * (1 - $0) }
    } else {
      self.logA = logA
      levels = biases.map(Self.softplus)
      slopes = biases.map(Self.sigmoid)
    }
    bias = Self.inverseSoftplus(levels.reduce(0, +) / count)
    let slope = Self.sigmoid(bias)
    weights = slopes.map { $0 / (count * slope) }
  }

  private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  private static func softplus(_ x: Double) -> Double {
    if x > 40 { return x }
    let e = exp(x)
    // Where 1 + e would lose digits its logarithm is a short series.
    return x < -10 ? e * (1 - e / 2 + e * e / 3) : ReproducibleMath.log(1 + e)
  }

  private static func inverseSoftplus(_ y: Double) -> Double {
    if y > 40 { return y }
    // Zero has no logarithm; what is this small is forgotten nowhere.
    let y = max(y, 1e-30)
    return y < 1e-5 ? ReproducibleMath.log(y) + y / 2 : y + ReproducibleMath.log(1 - exp(-y))
  }

  /// The exponential of any number: values of files may be anything.
  private static func exp(_ x: Double) -> Double {
    x.isNaN ? x : ReproducibleMath.exp(min(max(x, -700), 700))
  }
}
