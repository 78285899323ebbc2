import Canonical
import Diagnostics
import Tensors

/// One step from a canonical tensor towards a stored one; every step has exactly one inverse.
public enum LayoutStep: Hashable, Sendable {
  /// A new axis over the experts of a layer.
  case stack(axis: Int)
  /// One axis viewed as a product of factors, which are put into another order.
  case reorder(axis: Int, factors: [SizeExpression], order: [Int])
  /// One axis viewed as a product of factors, each of which becomes an axis.
  case split(axis: Int, factors: [SizeExpression])
  /// Some axes in a row that become one.
  case join(axis: Int, count: Int)
  /// The axes in another order.
  case transpose(order: [Int])
  /// A new axis of extent one.
  case unit(axis: Int)
  /// Equal blocks of one axis in another order: stored block j is canonical block `table[j]`.
  case take(axis: Int, table: [Int])
  /// A change of values.
  case value(ValueStep)
}

/// What a structural step does to a tensor of a given shape.
struct StepEffect {
  var shape: [Int]
  var map: RadixMap
}

extension LayoutStep {
  /// The effect on a tensor of the given shape; nil for a step that only changes values.
  /// - Throws: `Problem` of kind `invalid` where the step does not fit the shape.
  func effect(on shape: [Int], symbols: [String: Int], expert: Int) throws -> StepEffect? {
    switch self {
    case .value:
      return nil
    case .stack(let axis):
      let experts = symbols["E"] ?? 0
      try require(axis <= shape.count, shape)
      try TensorBuilder.checkCount(shape + [experts])
      // Outer axes move apart by the number of experts; the inner part of this expert lies at its place.
      let inner = shape[axis...].reduce(1, *)
      let moved = Self.permuted([shape[..<axis].reduce(1, *), inner], [0, 1])
      return StepEffect(
        shape: shape[..<axis] + [experts] + shape[axis...],
        map: RadixMap(
          moved.digits.map { digit in
            digit.from == 1 && inner > 1
              ? digit : .init(digit.count, from: digit.from, to: digit.to * experts)
          }, offset: expert * inner))
    case .reorder(let axis, let factors, let order):
      // Digits: what lies outside the axis, its factors, what lies inside; only the factors change places.
      let counts = try counts(factors, of: axis, shape, symbols)
      return StepEffect(
        shape: shape,
        map: Self.permuted(
          [shape[..<axis].reduce(1, *)] + counts + [shape[(axis + 1)...].reduce(1, *)],
          [0] + order.map { $0 + 1 } + [counts.count + 1]))
    case .split(let axis, let factors):
      let counts = try counts(factors, of: axis, shape, symbols)
      return StepEffect(
        shape: shape[..<axis] + counts + shape[(axis + 1)...], map: Self.unmoved(shape))
    case .join(let axis, let count):
      try require(axis + count <= shape.count, shape)
      let joined = shape[axis..<(axis + count)].reduce(1, *)
      return StepEffect(
        shape: shape[..<axis] + [joined] + shape[(axis + count)...], map: Self.unmoved(shape))
    case .transpose(let order):
      try require(order.count == shape.count, shape)
      return StepEffect(shape: order.map { shape[$0] }, map: Self.permuted(shape, order))
    case .unit(let axis):
      try require(axis <= shape.count, shape)
      return StepEffect(
        shape: shape[..<axis] + [1] + shape[axis...], map: Self.unmoved(shape))
    case .take(let axis, let table):
      try require(axis < shape.count && shape[axis] % table.count == 0, shape)
      // Digits: what lies outside the axis, the block, what lies inside; the table permutes the blocks.
      let inner = shape[axis...].reduce(1, *) / table.count
      var map = Self.permuted([shape[..<axis].reduce(1, *), table.count, inner], [0, 1, 2])
      for index in map.digits.indices where map.digits[index].from == inner {
        if map.digits[index].count == table.count { map.digits[index].table = Self.inverse(table) }
      }
      return StepEffect(shape: shape, map: map)
    }
  }

  /// The extents of factors whose product is that of an axis.
  private func counts(
    _ factors: [SizeExpression], of axis: Int, _ shape: [Int], _ symbols: [String: Int]
  ) throws -> [Int] {
    let counts = try factors.map { try $0.value(symbols) }
    try require(
      axis < shape.count && TensorShape.elementCount(counts) == shape[axis]
        && shape.count + counts.count <= 2 * FormatLimits.steps.rawValue, shape)
    try TensorBuilder.checkCount(counts)
    return counts
  }

  /// The map of a step that moves no element.
  private static func unmoved(_ shape: [Int]) -> RadixMap { permuted([shape.reduce(1, *)], [0]) }

  /// The map that reads a flat index as digits with the given counts and writes them in `order`.
  static func permuted(_ counts: [Int], _ order: [Int]) -> RadixMap {
    var from = Array(repeating: 1, count: counts.count)
    for index in counts.indices.dropLast().reversed() {
      from[index] = from[index + 1] * counts[index + 1]
    }
    var to = from
    var weight = 1
    for index in order.reversed() {
      to[index] = weight
      weight *= counts[index]
    }
    return RadixMap(counts.indices.map { .init(counts[$0], from: from[$0], to: to[$0]) })
  }

  static func inverse(_ table: [Int]) -> [Int] {
    var result = table
    for (index, value) in table.enumerated() { result[value] = index }
    return result
  }

  private func require(_ condition: Bool, _ shape: [Int]) throws {
    guard condition else {
      throw Problem(
        .invalid, "a step of the layout does not fit its tensor", expected: "\(self)",
        found: "shape \(TensorShape.text(shape))", remedy: FormatValue.remedy)
    }
  }
}
