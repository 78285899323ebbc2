import GraftTestSupport
import Testing

@testable import Tensors

/// Pairs of views, checked element by element.
struct PairedViewTests {
  /// A random permutation of digits as a view, and its positions found without the view code.
  private func randomView(_ generator: inout SeededGenerator, _ factors: [Int]) -> StridedView {
    let order = Array(factors.indices).shuffled(using: &generator)
    var strides = Array(repeating: 0, count: factors.count)
    var weight = 1
    for index in order {
      strides[index] = weight
      weight *= factors[index]
    }
    return StridedView(
      offset: Int.random(in: 0...5, using: &generator),
      axes: zip(factors, strides).map { .init($0, $1) })
  }

  @Test(arguments: 0..<400)
  func everyElementIsMovedOnce(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    let factorings = [
      [2, 3, 4], [4, 6], [24], [6, 4], [3, 8], [2, 2, 2, 3], [12, 2], [8, 3],
    ]
    let source = randomView(&generator, factorings.randomElement(using: &generator) ?? [24])
    let target = randomView(&generator, factorings.randomElement(using: &generator) ?? [24])
    let pairing = PairedView(source: source, target: target)
    var moved: [Int: Int] = [:]
    pairing.forEachRun { from, to, count in
      for index in 0..<count {
        #expect(moved[to + index] == nil)
        moved[to + index] = from + index
      }
    }
    #expect(moved == Dictionary(uniqueKeysWithValues: zip(target.positions, source.positions)))
    expectSameInWindows(pairing, moved, &generator)
  }

  /// Windows in any order and of any size give the same runs.
  private func expectSameInWindows(
    _ pairing: PairedView, _ moved: [Int: Int], _ generator: inout SeededGenerator
  ) {
    let size = Int.random(in: 1...30, using: &generator)
    var windowed: [Int: Int] = [:]
    for start in stride(from: 0, to: 40, by: size).shuffled(using: &generator) {
      let window = start..<start + size
      pairing.forEachRun(in: window) { from, to, count in
        #expect(to >= window.lowerBound && to + count <= window.upperBound)
        for index in 0..<count { windowed[to + index] = from + index }
      }
    }
    #expect(windowed == moved)
  }

  /// Both sides ascend together only where the written order is the read order.
  @Test func monotonicPairsAscend() {
    let plain = StridedView(contiguous: [4, 6])
    let rows = StridedView(offset: 6, axes: [.init(2, 12), .init(6, 1)])
    let turned = StridedView(offset: 0, axes: [.init(6, 1), .init(4, 6)])
    #expect(PairedView(source: plain, target: plain).isMonotonic)
    #expect(PairedView(source: StridedView(contiguous: [2, 6]), target: rows).isMonotonic)
    #expect(!PairedView(source: turned, target: plain).isMonotonic)
  }

  @Test func equalViewsAreOneRun() {
    let view = StridedView(contiguous: [7, 5])
    #expect(PairedView(source: view, target: view).runLength == 35)
  }

  @Test func anEmptyTensorHasNoRun() {
    let view = StridedView(contiguous: [0, 5])
    PairedView(source: view, target: view).forEachRun { _, _, _ in
      Issue.record("there is nothing to visit")
    }
  }
}
