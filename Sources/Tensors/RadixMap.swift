/// A tensor's flat index read as digits, each of which moves to a new weight.
///
/// This is what one structural step does to the tensor under construction: a transpose reads the
/// index as its axes, a reorder as the factors of one axis.
public struct RadixMap: Hashable, Sendable {
  /// One digit of the flat index.
  public struct Digit: Hashable, Sendable {
    /// The number of values of the digit.
    public var count: Int
    /// The weight of the digit before the step.
    public var from: Int
    /// The weight of the digit after the step.
    public var to: Int
    /// A permutation of the digit's values; nil for the identity.
    public var table: [Int]?

    /// A digit that changes its weight.
    public init(_ count: Int, from: Int, to: Int, table: [Int]? = nil) {
      self.count = count
      self.from = from
      self.to = to
      self.table = table
    }
  }

  /// The digits, heaviest (before the step) first.
  public var digits: [Digit]
  /// What is added to every position after the step.
  public var offset: Int

  /// A map from its digits.
  public init(_ digits: [Digit], offset: Int = 0) {
    self.digits = digits.filter { $0.count > 1 }
    self.offset = offset
  }

  /// The new position of one old position.
  public func position(_ index: Int) -> Int {
    digits.reduce(offset) { sum, digit in
      let value = index / digit.from % digit.count
      return sum + (digit.table?[value] ?? value) * digit.to
    }
  }
}

extension StridedView {
  /// The most elements for which a view may become a plain table of positions.
  private static let tableLimit = 1 << 24

  /// The view after a structural step has moved the elements it points at.
  ///
  /// Each loop is split until it runs inside one digit. Where loops and digits do not nest, the view
  /// becomes one loop over a table of positions.
  /// - Returns: nil where that table would be too large; then the step does not fit the tensor.
  /// - Cost: one integer per element where a table is needed, else a few per loop.
  public func moved(by map: RadixMap) -> StridedView? {
    guard count > 0 else { return StridedView(offset: 0, axes: axes) }
    var result = StridedView(offset: map.position(offset), axes: [])
    var permuted: Set<Int> = []
    for axis in axes where axis.count > 1 {
      guard let pieces = Self.split(axis, by: map, start: offset) else { return tabulated(by: map) }
      for piece in pieces {
        guard piece.digit.table == nil || permuted.insert(piece.digit.from).inserted else {
          return tabulated(by: map)
        }
        result.axes.append(piece.moved)
      }
    }
    return result
  }

  private func tabulated(by map: RadixMap) -> StridedView? {
    guard count <= Self.tableLimit else { return nil }
    let moved = positions.map(map.position)
    let first = moved.min() ?? 0
    return StridedView(
      offset: first, axes: [Axis(moved.count, 1, table: moved.map { $0 - first })])
  }

  /// A loop that runs inside one digit, and where it goes.
  private struct DigitLoop {
    let digit: RadixMap.Digit
    let moved: Axis
  }

  private static func split(_ axis: Axis, by map: RadixMap, start: Int) -> [DigitLoop]? {
    guard let digit = map.digits.last(where: { axis.stride < $0.from * $0.count }),
      axis.stride % digit.from == 0
    else { return nil }
    let step = axis.stride / digit.from
    let first = start / digit.from % digit.count
    let highest = axis.table?.max() ?? (axis.count - 1)
    let lowest = axis.table?.min() ?? 0
    if first + highest * step < digit.count, first + lowest * step >= 0 {
      return [DigitLoop(digit: digit, moved: moved(axis, step, first, digit))]
    }
    guard axis.table == nil, first < step, digit.count % step == 0 else { return nil }
    let inner = Axis(digit.count / step, axis.stride)
    guard axis.count % inner.count == 0 else { return nil }
    let outer = Axis(axis.count / inner.count, axis.stride * inner.count)
    guard let pieces = split(outer, by: map, start: start) else { return nil }
    guard inner.count > 1 else { return pieces }
    return pieces + [DigitLoop(digit: digit, moved: moved(inner, step, first, digit))]
  }

  private static func moved(_ axis: Axis, _ step: Int, _ first: Int, _ digit: RadixMap.Digit)
    -> Axis
  {
    guard let table = digit.table else {
      return Axis(axis.count, step * digit.to, table: axis.table)
    }
    let values = (0..<axis.count).map { table[first + (axis.table?[$0] ?? $0) * step] }
    return Axis(axis.count, digit.to, table: values.map { $0 - table[first] })
  }
}
