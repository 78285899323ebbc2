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
