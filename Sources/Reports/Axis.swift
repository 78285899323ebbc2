import Platform

/// The upright axis of a chart: which share of its height a value takes, and where the lines are.
struct Axis {
  /// How values are spread over the height.
  enum Spread {
    case linear
    /// Each power of ten takes the same height; what is not above zero takes none.
    case logarithmic
  }

  private let spread: Spread
  private let range: ClosedRange<Double>
  /// The values at which a line is drawn.
  let ticks: [Double]

  /// An axis on which all values have a place.
  init(_ values: [Double], _ spread: Spread) {
    let positive = values.filter { $0.isFinite && $0 > 0 }
    self.spread = spread
    switch spread {
    case .linear:
      let step = Self.step(positive.max() ?? 1)
      let top = ((positive.max() ?? 1) / step).rounded(.up) * step
      range = 0...top
      ticks = (0...Int((top / step).rounded())).map { Double($0) * step }
    case .logarithmic:
      let low = Int(log10(max((positive.min() ?? 0.1) / 2, 1e-300)).rounded(.down))
      let high = max(Int(log10(positive.max() ?? 1).rounded(.up)), low + 1)
      range = Double(low)...Double(high)
      let stride = (high - low + 4) / 5
      ticks = Swift.stride(from: low, through: high, by: stride).map { pow(10, Double($0)) }
    }
  }

  /// The share of the height, 0 to 1; the whole of it for what is not a number or infinite.
  func share(_ value: Double) -> Double {
    guard value.isFinite else { return 1 }
    guard spread == .logarithmic else { return min(max(value / range.upperBound, 0), 1) }
    guard value > 0 else { return 0 }
    let place = (log10(value) - range.lowerBound) / (range.upperBound - range.lowerBound)
    return min(max(place, 0), 1)
  }

  /// A value on the axis in few characters.
  static func label(_ value: Double) -> String {
    if value == 0 { return "0" }
    let exponent = log10(value)
    if value < 0.01, exponent == exponent.rounded() { return "1e\(Int(exponent))" }
    let units = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")]
    let unit = units.first { value >= $0.0 }
    let text = Quantity.significant(value / (unit?.0 ?? 1))
    let digits = text.contains(".") ? String(text.trimmingSuffix("0").trimmingSuffix(".")) : text
    return digits + (unit.map { " \($0.1)" } ?? "")
  }

  /// A step of 1, 2 or 5 times a power of ten that divides the range into two to five.
  private static func step(_ top: Double) -> Double {
    let power = pow(10, log10(top / 2).rounded(.down))
    return [5, 2, 1].map { $0 * power }.first { $0 * 2 <= top } ?? power
  }
}

extension StringProtocol {
  fileprivate func trimmingSuffix(_ character: Character) -> SubSequence {
    var text = self[...]
    while text.last == character { text = text.dropLast() }
    return text
  }
}
