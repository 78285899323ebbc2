/// How far the logits of one model, or its final hidden states, are from those of another, over all
/// positions.
public struct LogitComparison: Hashable, Sendable {
  private var sums = ErrorSums()
  private var klSum = 0.0
  private var agreements = 0
  private var ties = 0
  /// The number of positions.
  public private(set) var positions = 0
  /// The largest Kullback-Leibler divergence of a position, from the reference to the computed
  /// distribution.
  /// - Units: nats.
  public private(set) var maxKL = 0.0
  /// How far rounding alone takes the logits, where that was measured.
  public internal(set) var rounding = Rounding()

  /// What rounding of weights does to logits.
  public struct Rounding: Hashable, Sendable {
    /// The mean squared difference over the variance.
    public internal(set) var nmse = 0.0
    /// The mean divergence.
    /// - Units: nats.
    public internal(set) var meanKL = 0.0
  }

  /// A comparison of nothing yet.
  public init() {}

  /// Adds one position.
  /// - Shape: both `[vocab]`.
  /// - Returns: how the two compare there.
  @discardableResult
  public mutating func add(
    _ logits: UnsafeBufferPointer<Float>, reference: UnsafeBufferPointer<Float>
  ) -> PositionLog.Entry {
    sums.add(logits, reference)
    let kl = Self.divergence(from: reference, to: logits)
    klSum += kl
    if kl.isNaN || kl > maxKL { maxKL = kl }
    let (chosen, best) = (Self.argmax(logits), Self.argmax(reference))
    let agrees = chosen == best
    if agrees {
      agreements += 1
    } else if Self.ties(reference[chosen], reference[best]) {
      ties += 1
    }
    positions += 1
    return PositionLog.Entry(divergence: kl, agrees: agrees)
  }

  /// The same sums as a comparison of hidden states, for which divergences mean nothing.
  var asStates: HiddenComparison {
    var states = HiddenComparison(sums)
    states.rounding = rounding.nmse
    return states
  }

  /// The largest absolute difference of a logit.
  public var maxAbs: Double { sums.maximum }
  /// The mean squared difference over the variance of the reference logits.
  public var nmse: Double { sums.nmse }
  /// The mean Kullback-Leibler divergence.
  /// - Units: nats.
  public var meanKL: Double { positions > 0 ? klSum / Double(positions) : 0 }
  /// The share of positions at which both have the same largest logit.
  public var top1Agreement: Double {
    positions > 0 ? Double(agreements) / Double(positions) : 1
  }
  /// The share of positions at which the largest logit is the reference's largest too, or differs from it
  /// by at most one step of BF16, so that rounded logits would be equal.
  public var top1OrTie: Double {
    positions > 0 ? Double(agreements + ties) / Double(positions) : 1
  }
  /// The standard deviation of the reference logits.
  public var deviation: Double { sums.deviation }

  /// Whether BF16 may give both the same value; false for what is not finite.
  private static func ties(_ logit: Float, _ best: Float) -> Bool {
    // BF16 has 16 bits of the fraction less than F32, so that its steps are 2^16 times as large.
    best - logit <= best.ulp * Float(1 << 16)
  }

  /// The index of the largest value, the first of equals; NaN counts as larger than any number.
  public static func argmax(_ values: UnsafeBufferPointer<Float>) -> Int {
    var best = 0
    for index in values.indices where !(values[index] <= values[best]) && !values[best].isNaN {
      best = index
    }
    return best
  }

  /// The logarithm of the sum of exponentials.
  public static func logSumExp(_ values: UnsafeBufferPointer<Float>) -> Double {
    let largest = Double(values[argmax(values)])
    return largest + values.reduce(0.0) { $0 + (Double($1) - largest).exponential }.logarithm
  }

  private static func divergence(
    from p: UnsafeBufferPointer<Float>, to q: UnsafeBufferPointer<Float>
  ) -> Double {
    let normP = logSumExp(p)
    let normQ = logSumExp(q)
    let sum = p.indices.reduce(0.0) { sum, index in
      let logP = Double(p[index]) - normP
      return sum + logP.exponential * (logP - (Double(q[index]) - normQ))
    }
    return sum.isNaN ? sum : max(sum, 0)
  }
}

/// How far the residual stream after one layer is from that of another model.
public struct HiddenComparison: Hashable, Sendable {
  private var sums = ErrorSums()
  /// The NMSE to which rounding alone takes the stream, where that was measured.
  public internal(set) var rounding = 0.0

  /// A comparison of nothing yet.
  public init() {}

  fileprivate init(_ sums: ErrorSums) { self.sums = sums }

  /// Adds values of any number of positions.
  public mutating func add(
    _ values: UnsafeBufferPointer<Float>, reference: UnsafeBufferPointer<Float>
  ) {
    sums.add(values, reference)
  }

  /// The largest absolute difference.
  public var maxAbs: Double { sums.maximum }
  /// The mean squared difference over the variance of the reference values.
  public var nmse: Double { sums.nmse }
  /// The standard deviation of the reference values.
  public var deviation: Double { sums.deviation }
}
