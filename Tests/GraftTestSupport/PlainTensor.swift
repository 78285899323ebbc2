/// A tensor of integers and the structural steps in their plainest form, element by element.
///
/// It shares no code with strided views and is what they are compared with.
public struct PlainTensor: Equatable {
  /// The extents, outermost first.
  public var shape: [Int]
  /// The elements, row-major.
  public var values: [Int]

  /// A tensor of given elements.
  public init(shape: [Int], values: [Int]) {
    self.shape = shape
    self.values = values
  }

  /// The numbers from `start` on, row-major.
  public init(shape: [Int], counting start: Int = 0) {
    self.init(shape: shape, values: (start..<(start + shape.reduce(1, *))).map { $0 })
  }

  /// Every index of a shape, in row-major order.
  private static func indices(_ shape: [Int]) -> [[Int]] {
    shape.reduce([[]]) { heads, extent in heads.flatMap { head in (0..<extent).map { head + [$0] } }
    }
  }

  /// The element at an index.
  public subscript(index: [Int]) -> Int {
    values[zip(index, shape).reduce(0) { $0 * $1.1 + $1.0 }]
  }

  private init(shape: [Int], element: ([Int]) -> Int) {
    self.init(shape: shape, values: Self.indices(shape).map(element))
  }

  /// The tensor with its axes in another order.
  public func transposed(_ order: [Int]) -> PlainTensor {
    PlainTensor(shape: order.map { shape[$0] }) { index in
      var source = index
      for (place, axis) in order.enumerated() { source[axis] = index[place] }
      return self[source]
    }
  }

  /// The same elements in another shape.
  public func reshaped(_ shape: [Int]) -> PlainTensor { PlainTensor(shape: shape, values: values) }

  /// One axis viewed as factors, which change places.
  public func reordered(axis: Int, factors: [Int], order: [Int]) -> PlainTensor {
    let before = Array(shape[..<axis])
    let after = Array(shape[(axis + 1)...])
    let places =
      Array(before.indices) + order.map { $0 + axis }
      + after.indices.map { $0 + axis + order.count }
    return reshaped(before + factors + after).transposed(places).reshaped(shape)
  }

  /// Equal blocks of one axis in another order.
  public func taken(axis: Int, table: [Int]) -> PlainTensor {
    let block = shape[axis] / table.count
    return PlainTensor(shape: shape) { index in
      var source = index
      source[axis] = table[index[axis] / block] * block + index[axis] % block
      return self[source]
    }
  }

  /// Parts side by side along one axis, group by group.
  public static func woven(_ parts: [PlainTensor], sizes: [Int], groups: Int, axis: Int)
    -> PlainTensor
  {
    let total = sizes.reduce(0, +)
    var shape = parts[0].shape
    shape[axis] = groups * total
    return PlainTensor(shape: shape) { index in
      var place = index[axis] % total
      for (part, size) in zip(parts, sizes) {
        if place < size {
          var source = index
          source[axis] = index[axis] / total * size + place
          return part[source]
        }
        place -= size
      }
      return -1
    }
  }

  /// Tensors along a new axis.
  public static func stacked(_ parts: [PlainTensor], axis: Int) -> PlainTensor {
    var shape = parts[0].shape
    shape.insert(parts.count, at: axis)
    return PlainTensor(shape: shape) { index in
      var source = index
      return parts[source.remove(at: axis)][source]
    }
  }
}
