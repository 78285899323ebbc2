/// Finds scale and minimum of eight runs of 32 values, for levels from zero on.
///
/// Trials differ in how many levels the spread is divided into; each is followed by the scale and the
/// minimum that fit its levels best. The minimum that was found is that of later trials, too. It never is
/// above zero.
struct PairSearch {
  /// The highest level.
  let highest: Float
  /// How many levels more the first trial has.
  let first: Float
  /// How many more each trial has than the one before.
  let step: Float
  let trials: Int

  static let size = 32

  /// Levels, and what they are multiples of and start from.
  struct Fit {
    var scale: Lanes
    var minimum: Lanes
  }

  /// The search that goes with importances.
  static func weighing(highest: Float) -> PairSearch {
    PairSearch(highest: highest, first: -0.9, step: 0.05, trials: 37)
  }

  /// Finds the best fit.
  /// - Parameters:
  ///   - weights: what the square of an error counts.
  ///   - trial: room for the levels of a trial.
  func callAsFunction(
    _ values: UnsafePointer<Lanes>, weights: UnsafePointer<Lanes>,
    levels: UnsafeMutablePointer<Lanes>, trial: UnsafeMutablePointer<Lanes>
  ) -> Fit {
    let sums = Self.sums(values, weights)
    var (low, high) = (values[0], values[0])
    for index in 1..<Self.size {
      low.replace(with: values[index], where: values[index] .< low)
      high.replace(with: values[index], where: values[index] .> high)
    }
    low.replace(with: 0, where: low .> 0)
    let (start, isFlat) = (low, high .== low)
    var fit = Fit(scale: 1 / (highest / (high - low)), minimum: low)
    place(values, low, highest / (high - low), into: levels)
    var best = Self.error(values, weights, levels, fit)
    for number in 0..<trials {
      let inverse = (first + step * Float(number) + highest) / (high - fit.minimum)
      place(values, fit.minimum, inverse, into: trial)
      guard let (found, isSolved) = Self.solve(values, weights, trial, sums) else { continue }
      let error = Self.error(values, weights, trial, found)
      let isBetter = isSolved .& (error .< best)
      guard any(isBetter) else { continue }
      best.replace(with: error, where: isBetter)
      fit.scale.replace(with: found.scale, where: isBetter)
      fit.minimum.replace(with: found.minimum, where: isBetter)
      for index in 0..<Self.size { levels[index].replace(with: trial[index], where: isBetter) }
    }
    fit.scale.replace(with: 0, where: isFlat)
    fit.minimum.replace(with: start, where: isFlat)
    for index in 0..<Self.size { levels[index].replace(with: 0, where: isFlat) }
    return fit
  }

  /// Weighs values by their size.
  static func weigh(_ values: UnsafePointer<Lanes>, into weights: UnsafeMutablePointer<Lanes>) {
    var squares = Lanes.zero
    for index in 0..<size { squares += values[index] * values[index] }
    let average = (squares / 32).squareRoot()
    for index in 0..<size { weights[index] = average + values[index].magnitude }
  }

  /// The sums of weights and of weighted values.
  @inline(__always)
  private static func sums(_ values: UnsafePointer<Lanes>, _ weights: UnsafePointer<Lanes>) -> (
    weights: Lanes, values: Lanes
  ) {
    var sums = (weights: weights[0], values: weights[0] * values[0])
    for index in 1..<size {
      sums.weights += weights[index]
      sums.values += weights[index] * values[index]
    }
    return sums
  }

  /// The levels of values.
  @inline(__always)
  private func place(
    _ values: UnsafePointer<Lanes>, _ minimum: Lanes, _ inverse: Lanes,
    into levels: UnsafeMutablePointer<Lanes>
  ) {
    for index in 0..<Self.size {
      levels[index] = (inverse * (values[index] - minimum)).nearest.clamped(0, highest)
    }
  }

  /// The scale and minimum that fit levels best, and where there are such; nil where nowhere.
  @inline(__always)
  private static func solve(
    _ values: UnsafePointer<Lanes>, _ weights: UnsafePointer<Lanes>,
    _ levels: UnsafePointer<Lanes>, _ sums: (weights: Lanes, values: Lanes)
  ) -> (fit: Fit, isSolved: SIMDMask<SIMD8<Int32>>)? {
    var (l, l2, xl) = (Lanes.zero, Lanes.zero, Lanes.zero)
    for index in 0..<size {
      let weighted = weights[index] * levels[index]
      l += weighted
      l2 += weighted * levels[index]
      xl += weighted * values[index]
    }
    let determinant = sums.weights * l2 - l * l
    let isSolved = determinant .> 0
    guard any(isSolved) else { return nil }
    var fit = Fit(
      scale: (sums.weights * xl - sums.values * l) / determinant,
      minimum: (l2 * sums.values - l * xl) / determinant)
    let isAbove = fit.minimum .> 0
    fit.minimum.replace(with: 0, where: isAbove)
    fit.scale.replace(with: xl / l2, where: isAbove)
    return (fit, isSolved)
  }

  @inline(__always)
  private static func error(
    _ values: UnsafePointer<Lanes>, _ weights: UnsafePointer<Lanes>,
    _ levels: UnsafePointer<Lanes>, _ fit: Fit
  ) -> Lanes {
    var sum = Lanes.zero
    for index in 0..<size {
      let difference = fit.scale * levels[index] + fit.minimum - values[index]
      sum += weights[index] * (difference * difference)
    }
    return sum
  }
}
