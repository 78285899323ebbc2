extension PairedView {
  /// Whether the loops nest on the written side, so that runs are met in the order in which they are
  /// written; so they are in every layout of `formats/`.
  public var isOrdered: Bool {
    loops.allSatisfy { $0.target.table == nil }
      && zip(loops, loops.dropFirst()).allSatisfy { outer, inner in
        outer.target.stride >= inner.target.stride * inner.count
      }
  }

  /// Whether runs are met in the order of both sides.
  public var isMonotonic: Bool {
    isOrdered && loops.allSatisfy { $0.source.table == nil }
      && zip(loops, loops.dropFirst()).allSatisfy { outer, inner in
        outer.source.stride >= inner.source.stride * inner.count
      }
  }

  /// The positions from the first that is written to the last.
  public var targetSpan: Range<Int> {
    guard loops.allSatisfy({ $0.count > 0 }) else { return targetOffset..<targetOffset }
    var (first, last) = (targetOffset, targetOffset)
    for axis in loops.map(\.target) {
      let places = axis.table == nil ? [0, axis.count - 1] : Array(0..<axis.count)
      let positions = places.map(axis.position)
      first += positions.min() ?? 0
      last += positions.max() ?? 0
    }
    return first..<last + 1
  }

  /// Calls `body` for the pieces of runs that are written inside `window`.
  /// - Cost: one call per piece; where the loops do not nest, all runs are looked at.
  public func forEachRun(
    in window: Range<Int>, _ body: (_ source: Int, _ target: Int, _ count: Int) throws -> Void
  ) rethrows {
    func visit(_ source: Int, _ target: Int, _ count: Int) throws {
      let start = max(target, window.lowerBound)
      let end = min(target + count, window.upperBound)
      if start < end { try body(source + start - target, start, end - start) }
    }
    guard isOrdered else { return try forEachRun(visit) }
    guard loops.allSatisfy({ $0.count > 0 }) else { return }
    var walk = RunWalk(self, from: window.lowerBound)
    repeat {
      if walk.target >= window.upperBound { return }
      try visit(walk.source, walk.target, walk.run)
    } while walk.advance()
  }
}

/// The runs of an ordered pairing one after the other.
private struct RunWalk {
  let run: Int
  private let nest: [PairedView.Loop]
  private var indices: [Int]
  private(set) var source: Int
  private(set) var target: Int

  /// Starts with the last run that begins at `position` or before it.
  init(_ pairing: PairedView, from position: Int) {
    run = pairing.runLength
    nest = run > 1 ? Array(pairing.loops.dropLast()) : pairing.loops
    source = pairing.sourceOffset
    target = pairing.targetOffset
    indices = Array(repeating: 0, count: nest.count)
    for (place, loop) in nest.enumerated() where position > target && loop.target.stride > 0 {
      let index = min((position - target) / loop.target.stride, loop.count - 1)
      indices[place] = index
      target += index * loop.target.stride
    }
    for (loop, index) in zip(nest, indices) { source += loop.source.position(index) }
  }

  /// Goes to the next run.
  /// - Returns: false behind the last one.
  mutating func advance() -> Bool {
    for place in nest.indices.reversed() {
      let loop = nest[place]
      let index = indices[place]
      let next = index + 1 < loop.count ? index + 1 : 0
      source += loop.source.position(next) - loop.source.position(index)
      target += (next - index) * loop.target.stride
      indices[place] = next
      if next > 0 { return true }
    }
    return false
  }
}
