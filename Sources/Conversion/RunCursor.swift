import Tensors

/// Walks the runs of a pairing in the order of the written side, window by window.
///
/// Where the loops nest on the written side (every layout of `formats/` does) each window continues
/// where the last one stopped; otherwise every window looks at all runs.
struct RunCursor {
  private let pairing: PairedView
  private let nest: [PairedView.Loop]
  private let run: Int
  private let isNested: Bool
  private var indices: [Int]
  private var isDone = false

  init(_ pairing: PairedView) {
    self.pairing = pairing
    run = pairing.runLength
    nest = run > 1 ? Array(pairing.loops.dropLast()) : pairing.loops
    indices = Array(repeating: 0, count: nest.count)
    isNested = zip(pairing.loops, pairing.loops.dropFirst()).allSatisfy { outer, inner in
      inner.target.table == nil && outer.target.table == nil
        && outer.target.stride >= inner.target.stride * inner.count
    }
  }

  /// Calls `body` for the pieces of runs that are written inside `window`.
  mutating func forEachRun(
    in window: Range<Int>, _ body: (_ source: Int, _ target: Int, _ count: Int) -> Void
  ) {
    guard isNested else { return visitAll(window, body) }
    while !isDone {
      let (source, target) = position
      let start = max(target, window.lowerBound)
      let end = min(target + run, window.upperBound)
      if start < end { body(source + start - target, start, end - start) }
      if target + run > window.upperBound { return }
      advance()
    }
  }

  private func visitAll(_ window: Range<Int>, _ body: (Int, Int, Int) -> Void) {
    pairing.forEachRun { source, target, count in
      let start = max(target, window.lowerBound)
      let end = min(target + count, window.upperBound)
      if start < end { body(source + start - target, start, end - start) }
    }
  }

  private var position: (source: Int, target: Int) {
    var source = pairing.sourceOffset
    var target = pairing.targetOffset
    for (loop, index) in zip(nest, indices) {
      source += loop.source.position(index)
      target += loop.target.position(index)
    }
    return (source, target)
  }

  private mutating func advance() {
    for place in nest.indices.reversed() {
      indices[place] += 1
      if indices[place] < nest[place].count { return }
      indices[place] = 0
    }
    isDone = true
  }
}
