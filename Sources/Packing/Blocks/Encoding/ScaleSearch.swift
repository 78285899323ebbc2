/// Finds the scales of eight runs of values, for levels from minus a half of them up, of which the value
/// furthest from zero has about the lowest.
struct ScaleSearch {
  /// Half the number of levels.
  let half: Float
  /// The values of a run.
  let size: Int

  /// Values nearer to zero count as zero.
  static let least: Float = 1e-15
  /// Room for weighted values and the levels of a trial.
  var scratch: Int { 2 * size }

  /// The scales and the levels, counted from the lowest; runs of zeros have levels of zero.
  /// - Parameter weights: what the square of an error counts.
  @inline(__always)
  func callAsFunction(
    _ values: UnsafePointer<Lanes>, weights: UnsafePointer<Lanes>,
    levels: UnsafeMutablePointer<Lanes>, scratch: UnsafeMutablePointer<Lanes>
  ) -> Lanes {
    let (weighted, trial) = (scratch, scratch + size)
    var (furthest, distance) = (Lanes.zero, Lanes.zero)
    for index in 0..<size {
      let value = values[index]
      let isFurther = value.magnitude .> distance
      distance.replace(with: value.magnitude, where: isFurther)
      furthest.replace(with: value, where: isFurther)
      weighted[index] = weights[index] * value
    }
    let isZero = distance .< Self.least
    var sums = place(values, weights, weighted, -half / furthest, into: levels)
    var scale = (sums.xl / sums.l2).replacing(with: 0, where: sums.l2 .== 0)
    var best = scale * sums.xl
    for step in -9...9 where step != 0 {
      let inverse = -(half + 0.1 * Float(step)) / furthest
      sums = place(values, weights, weighted, inverse, into: trial)
      let isBetter = (sums.l2 .> 0) .& (sums.xl * sums.xl .> best * sums.l2)
      guard any(isBetter) else { continue }
      scale.replace(with: sums.xl / sums.l2, where: isBetter)
      best.replace(with: scale * sums.xl, where: isBetter)
      for index in 0..<size { levels[index].replace(with: trial[index], where: isBetter) }
    }
    for index in 0..<size {
      levels[index] = (levels[index] + half).replacing(with: 0, where: isZero)
    }
    return scale.replacing(with: 0, where: isZero)
  }

  /// The levels of values, and the sums of weighted levels times values and times levels.
  @inline(__always)
  private func place(
    _ values: UnsafePointer<Lanes>, _ weights: UnsafePointer<Lanes>,
    _ weighted: UnsafePointer<Lanes>, _ inverse: Lanes, into levels: UnsafeMutablePointer<Lanes>
  ) -> (xl: Lanes, l2: Lanes) {
    var (xl, l2) = (Lanes.zero, Lanes.zero)
    for index in 0..<size {
      let level = (inverse * values[index]).nearest.clamped(-half, half - 1)
      levels[index] = level
      xl += weighted[index] * level
      l2 += weights[index] * level * level
    }
    return (xl, l2)
  }
}
