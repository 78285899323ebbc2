/// Where the elements of one tensor lie inside another, as a loop nest.
///
/// Element `(i0, i1, …)`, counted row-major over `axes`, lies at flat position
/// `offset + Σ position(axis, i)` of the other tensor. Every structural step of a layout (weave,
/// stack, reorder, transpose, unit, take) is such a view, so that a chain of steps is one view too.
///
/// ```
/// stored [4, 2]          view of "up" in interleaved rows [gate0, up0, gate1, up1]
///   gate0 gate0            offset 2
///   up0   up0              axes   (count 2, stride 4), (count 2, stride 1)
/// ```
public struct StridedView: Hashable, Sendable {
  /// One loop of the nest.
  public struct Axis: Hashable, Sendable {
    /// The number of iterations.
    public var count: Int
    /// The distance between two iterations.
    /// - Units: elements.
    public var stride: Int
    /// Where iteration `i` really goes, in multiples of `stride`; nil for `i` itself.
    public var table: [Int]?

    /// A loop of `count` iterations that are `stride` elements apart.
    public init(_ count: Int, _ stride: Int, table: [Int]? = nil) {
      self.count = count
      self.stride = stride
      self.table = table
    }

    /// The position of iteration `index`, counted from the start of the view.
    @inlinable
    public func position(_ index: Int) -> Int { (table?[index] ?? index) * stride }
  }

  /// The position of the first element.
  /// - Units: elements.
  public var offset: Int
  /// The loops, outermost first.
  public var axes: [Axis]

  /// A view from its parts.
  public init(offset: Int, axes: [Axis]) {
    self.offset = offset
    self.axes = axes
  }

  /// The view of a tensor on itself.
  public init(contiguous shape: [Int]) {
    offset = 0
    axes = [Axis(shape.reduce(1, *), 1)]
  }

  /// The number of elements.
  public var count: Int { axes.reduce(1) { $0 * $1.count } }

  /// The same view with the fewest loops: neighbours that continue each other are one loop.
  public var simplified: StridedView {
    var merged: [Axis] = []
    for axis in axes where axis.count != 1 || axis.table != nil {
      if let last = merged.last, last.table == nil, axis.table == nil,
        last.stride == axis.stride * axis.count
      {
        merged[merged.count - 1] = Axis(last.count * axis.count, axis.stride)
      } else {
        merged.append(axis)
      }
    }
    return StridedView(offset: offset, axes: merged)
  }

  /// The view of the first elements; nil where they are not whole iterations of the outermost loop.
  public func prefix(_ count: Int) -> StridedView? {
    let view = simplified
    guard var first = view.axes.first, self.count > 0, count > 0 else { return nil }
    let inner = self.count / first.count
    guard count % inner == 0, count / inner <= first.count else { return nil }
    first.count = count / inner
    first.table = first.table.map { Array($0.prefix(first.count)) }
    return StridedView(offset: view.offset, axes: [first] + view.axes.dropFirst()).simplified
  }

  /// Whether the elements fill a stretch of the tensor without a gap, in whatever order.
  public var fillsItsSpan: Bool {
    let span = axes.reduce(1) { span, axis in
      span + (0..<axis.count).reduce(0) { max($0, axis.position($1)) }
    }
    return span == count
  }

  /// The flat position of every element, in order.
  /// - Cost: memory for `count` integers; for tests and small tensors.
  public var positions: [Int] {
    axes.reduce([offset]) { starts, axis in
      starts.flatMap { start in (0..<axis.count).map { start + axis.position($0) } }
    }
  }
}
