/// Two views of the same tensor brought to one loop nest, so that elements can be moved.
public struct PairedView: Hashable, Sendable {
  /// One loop: how far it moves on either side.
  public struct Loop: Hashable, Sendable {
    /// The number of iterations.
    public var count: Int
    /// The axis on the side that is read.
    public var source: StridedView.Axis
    /// The axis on the side that is written.
    public var target: StridedView.Axis
  }

  /// The position of the first element on the side that is read.
  public var sourceOffset: Int
  /// The position of the first element on the side that is written.
  public var targetOffset: Int
  /// The loops, those that move farthest on the written side outermost.
  public var loops: [Loop]

  /// Pairs two views with the same number of elements.
  ///
  /// Loops are split where the other side needs it; where the extents do not divide each other the
  /// loops concerned become one loop over a table.
  /// - Precondition: `source.count == target.count`.
  public init(source: StridedView, target: StridedView) {
    precondition(source.count == target.count)
    sourceOffset = source.offset
    targetOffset = target.offset
    loops = []
    guard source.count > 0 else {
      loops = [Loop(count: 0, source: .init(0, 1), target: .init(0, 1))]
      return
    }
    var left = Array(source.simplified.axes)
    var right = Array(target.simplified.axes)
    while !left.isEmpty || !right.isEmpty {
      loops.insert(Self.popInnermost(&left, &right), at: 0)
    }
    loops = Self.merged(loops.sorted { $0.target.stride > $1.target.stride })
  }

  private static func popInnermost(
    _ left: inout [StridedView.Axis], _ right: inout [StridedView.Axis]
  ) -> Loop {
    let a = left.popLast() ?? .init(1, 0)
    let b = right.popLast() ?? .init(1, 0)
    if a.count == b.count { return Loop(count: a.count, source: a, target: b) }
    if a.table == nil, a.count % b.count == 0 {
      left.append(.init(a.count / b.count, a.stride * b.count))
      return Loop(count: b.count, source: .init(b.count, a.stride), target: b)
    }
    if b.table == nil, b.count % a.count == 0 {
      right.append(.init(b.count / a.count, b.stride * a.count))
      return Loop(count: a.count, source: a, target: .init(a.count, b.stride))
    }
    if a.count < b.count {
      left.append(joined(left.popLast() ?? .init(1, 0), a))
      right.append(b)
    } else {
      left.append(a)
      right.append(joined(right.popLast() ?? .init(1, 0), b))
    }
    return popInnermost(&left, &right)
  }

  /// Two neighbouring loops as one loop over a table of positions.
  private static func joined(_ outer: StridedView.Axis, _ inner: StridedView.Axis)
    -> StridedView.Axis
  {
    let table = StridedView(offset: 0, axes: [outer, inner]).positions
    return .init(table.count, 1, table: table)
  }

  private static func merged(_ loops: [Loop]) -> [Loop] {
    var result: [Loop] = []
    for loop in loops where loop.count > 1 || loop.source.table != nil || loop.target.table != nil {
      if let last = result.last, last.isPlain, loop.isPlain,
        last.source.stride == loop.source.stride * loop.count,
        last.target.stride == loop.target.stride * loop.count
      {
        let count = last.count * loop.count
        result[result.count - 1] = Loop(
          count: count, source: .init(count, loop.source.stride),
          target: .init(count, loop.target.stride))
      } else {
        result.append(loop)
      }
    }
    return result
  }

  /// The number of elements that lie side by side on both sides.
  public var runLength: Int {
    guard let last = loops.last, last.isPlain, last.source.stride == 1, last.target.stride == 1
    else { return 1 }
    return last.count
  }

  /// Calls `body` for every run of elements that lie side by side on both sides.
  /// - Cost: one call per run.
  public func forEachRun(_ body: (_ source: Int, _ target: Int, _ count: Int) throws -> Void)
    rethrows
  {
    let run = runLength
    let nest = run > 1 ? loops.dropLast() : loops[...]
    try visit(nest, sourceOffset, targetOffset) { try body($0, $1, run) }
  }

  private func visit(
    _ nest: ArraySlice<Loop>, _ source: Int, _ target: Int,
    _ body: (_ source: Int, _ target: Int) throws -> Void
  ) rethrows {
    guard let loop = nest.first else { return try body(source, target) }
    for index in 0..<loop.count {
      try visit(
        nest.dropFirst(), source + loop.source.position(index),
        target + loop.target.position(index), body)
    }
  }
}

extension PairedView.Loop {
  var isPlain: Bool { source.table == nil && target.table == nil }
}
