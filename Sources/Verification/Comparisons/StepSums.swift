/// Running sums over what a layer adds and how far that is off.
struct StepSums: Hashable, Sendable {
  private(set) var errors = 0.0
  private(set) var steps = 0.0

  /// Adds a value.
  /// - Parameters:
  ///   - difference: how far it is off.
  ///   - step: what should be added.
  mutating func add(_ difference: Double, of step: Double) {
    errors += difference * difference
    steps += step * step
  }

  /// Adds other sums.
  static func + (a: StepSums, b: StepSums) -> StepSums {
    var sums = a
    sums.errors += b.errors
    sums.steps += b.steps
    return sums
  }

  /// The squared error over the square of what should be added.
  var relative: Double { errors == 0 ? 0 : errors / steps }
}
