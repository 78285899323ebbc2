/// Running sums over pairs of a computed and a reference value.
struct ErrorSums: Hashable, Sendable {
  private(set) var count = 0
  /// The largest absolute difference; NaN as soon as one difference is.
  private(set) var maximum = 0.0
  private var squares = 0.0
  private var referenceSum = 0.0
  private var referenceSquares = 0.0

  /// Adds pairs of values.
  /// - Precondition: both have the same count.
  mutating func add(_ values: UnsafeBufferPointer<Float>, _ reference: UnsafeBufferPointer<Float>) {
    precondition(values.count == reference.count)
    for index in values.indices {
      let expected = Double(reference[index])
      let difference = abs(Double(values[index]) - expected)
      if difference.isNaN || difference > maximum { maximum = difference }
      squares += difference * difference
      referenceSum += expected
      referenceSquares += expected * expected
    }
    count += values.count
  }

  /// The variance of the reference values.
  private var variance: Double {
    guard count > 0 else { return 0 }
    let mean = referenceSum / Double(count)
    return max(referenceSquares / Double(count) - mean * mean, 0)
  }

  /// The standard deviation of the reference values.
  var deviation: Double { variance.squareRoot() }

  /// The mean squared error over the variance of the reference values.
  var nmse: Double {
    guard count > 0, squares != 0 else { return 0 }
    return squares / Double(count) / variance
  }
}
