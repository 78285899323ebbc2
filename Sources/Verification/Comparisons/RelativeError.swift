/// The squared error of vectors over the square of what they should be, position by position.
public struct RelativeError: Hashable, Sendable {
  /// The squared errors, summed over prompts, by position.
  private var errors: [Double] = []
  /// The squares of what should be, likewise.
  private var squares: [Double] = []

  /// An error of nothing yet.
  public init() {}

  /// Adds vectors of consecutive positions.
  /// - Shape: both `[positions, width]`.
  public mutating func add(_ found: [Float], _ expected: [Float], width: Int, from first: Int) {
    let end = first + min(found.count, expected.count) / max(width, 1)
    if errors.count < end {
      errors += Array(repeating: 0, count: end - errors.count)
      squares += Array(repeating: 0, count: end - squares.count)
    }
    for position in first..<max(end, first) {
      let start = (position - first) * width
      for index in start..<start + width {
        let difference = Double(found[index]) - Double(expected[index])
        errors[position] += difference * difference
        squares[position] += Double(expected[index]) * Double(expected[index])
      }
    }
  }

  /// The number of positions.
  public var count: Int { errors.count }

  /// The root of the relative squared error of all positions; infinite where the expected values are all
  /// zero and the computed ones are not.
  public var value: Double { value(0..<count) }

  /// The root of the relative squared error of consecutive ranges of positions, at most as many as asked,
  /// each with its first position.
  public func bars(_ most: Int) -> [(first: Int, error: Double)] {
    let length = max((count + most - 1) / most, 1)
    return stride(from: 0, to: count, by: length).map {
      ($0, value($0..<min($0 + length, count)))
    }
  }

  /// The root of the relative squared error of some positions.
  public func value(_ range: Range<Int>) -> Double {
    let (error, square) = (errors[range].reduce(0, +), squares[range].reduce(0, +))
    return error == 0 ? 0 : (error / square).squareRoot()
  }
}
