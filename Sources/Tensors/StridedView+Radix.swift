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
  /// The view after a structural step has moved the elements it points at.
  ///
  /// Each loop is split until it runs inside one digit.
  /// - Returns: nil where a loop crosses digits in a way no split mends; then the step does not fit
  ///   the tensor.
  public func moved(by map: RadixMap) -> StridedView? {
    guard count > 0 else { return StridedView(offset: 0, axes: axes) }
    var result = StridedView(offset: map.position(offset), axes: [])
    for axis in axes where axis.count > 1 || axis.table != nil {
      guard let pieces = Self.split(axis, by: map, start: offset) else { return nil }
      result.axes += pieces
    }
    return result
  }

  private static func split(_ axis: Axis, by map: RadixMap, start: Int) -> [Axis]? {
    guard let digit = map.digits.last(where: { axis.stride < $0.from * $0.count }),
      axis.stride % digit.from == 0
    else { return nil }
    let step = axis.stride / digit.from
    let first = start / digit.from % digit.count
    let reach = axis.table?.max() ?? (axis.count - 1)
    if first + reach * step < digit.count {
      return [moved(axis, step, first, digit)].compactMap { $0 }
    }
    guard axis.table == nil, first < step, digit.count % step == 0 else { return nil }
    let inner = digit.count / step
    guard axis.count % inner == 0 else { return nil }
    guard let outer = split(Axis(axis.count / inner, axis.stride * inner), by: map, start: start)
    else { return nil }
    return outer + [moved(Axis(inner, axis.stride), step, first, digit)].compactMap { $0 }
  }

  private static func moved(_ axis: Axis, _ step: Int, _ first: Int, _ digit: RadixMap.Digit)
    -> Axis?
  {
    guard axis.count > 0 else { return nil }
    guard let table = digit.table else {
      return Axis(axis.count, step * digit.to, table: axis.table)
    }
    let values = (0..<axis.count).map { table[first + (axis.table?[$0] ?? $0) * step] }
    return Axis(axis.count, digit.to, table: values.map { $0 - table[first] })
  }
}
