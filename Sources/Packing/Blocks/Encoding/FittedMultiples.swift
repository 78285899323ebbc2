/// Eight numbers as whole multiples, up to 63, of a unit that fits them best where some count more than others.
///
/// Units that make the largest number 63 multiples, or a little more or fewer, are tried; then multiples are
/// moved, one by one and at most five times, as long as that lessens the error. Multiples that would be
/// negative wrap around to what a byte makes of them.
struct FittedMultiples {
  private(set) var unit: Float = 0
  private(set) var multiples = SIMD8<UInt8>()

  private static let highest: Int32 = 63

  private let numbers: Lanes
  private let weights: Lanes
  /// The weighted sums of numbers times multiples, and of the squares of multiples.
  private var (products, squares): (Float, Float) = (0, 0)

  init(_ numbers: Lanes, _ weights: Lanes) {
    (self.numbers, self.weights) = (numbers, weights)
    var largest: Float = 0
    for lane in 0..<8 where numbers[lane] > largest { largest = numbers[lane] }
    guard largest >= ScaleSearch.least else { return }
    let inverse = bestInverse(largest)
    for lane in 0..<8 {
      let multiple = min(Self.highest, (inverse * numbers[lane]).nearest)
      multiples[lane] = UInt8(truncatingIfNeeded: multiple)
      products += weights[lane] * numbers[lane] * Float(multiple)
      squares += weights[lane] * Float(multiple) * Float(multiple)
    }
    for _ in 0..<5 {
      guard improve() else { break }
    }
    unit = squares > 0 ? products / squares : 0
  }

  /// One over the best of the units that are tried.
  private func bestInverse(_ largest: Float) -> Float {
    var best = Float(Self.highest) / largest
    var least = error(1 / best) { Float(UInt8(truncatingIfNeeded: (best * $0).nearest)) }
    for step in -4...4 where step != 0 {
      let inverse = (0.1 * Float(step) + Float(Self.highest)) / largest
      let found = error(1 / inverse) { Float(min(Self.highest, (inverse * $0).nearest)) }
      if found < least { (best, least) = (inverse, found) }
    }
    return best
  }

  private func error(_ unit: Float, _ multiple: (Float) -> Float) -> Float {
    var sum: Float = 0
    for lane in 0..<8 {
      let difference = numbers[lane] - unit * multiple(numbers[lane])
      sum += weights[lane] * difference * difference
    }
    return sum
  }

  /// Moves each multiple to where it fits what the others make of the unit.
  /// - Returns: whether some moved.
  private mutating func improve() -> Bool {
    var hasMoved = false
    for lane in 0..<8 {
      let (number, weight, old) = (numbers[lane], weights[lane], Float(multiples[lane]))
      var others = (
        products: products - weight * number * old, squares: squares - weight * old * old
      )
      guard others.products > 0, others.squares > 0 else { continue }
      let new = min(Self.highest, (number * others.squares / others.products).nearest)
      guard new != Int32(multiples[lane]) else { continue }
      others.products += weight * number * Float(new)
      others.squares += weight * Float(new) * Float(new)
      guard others.products * others.products * squares > products * products * others.squares
      else { continue }
      multiples[lane] = UInt8(truncatingIfNeeded: new)
      (products, squares) = others
      hasMoved = true
    }
    return hasMoved
  }
}
