import Testing

@testable import Verification

/// Layers with experts under the gate of quantised weights.
@Suite struct SureStepsTests {
  private static let width = 8
  /// Twelve tokens, of which the router is least sure of the first.
  private static let gaps = (0..<12).map { 0.001 + Float($0) }

  /// A layer that adds 1 to every value, off by so much at each token.
  private func layer(_ errors: (Int) -> Float) -> StepComparison {
    let count = Self.gaps.count * Self.width
    let input = [Float](repeating: 0, count: count)
    let expected = [Float](repeating: 1, count: count)
    let output = expected.indices.map { expected[$0] + errors($0 / Self.width) }
    var step = StepComparison()
    output.withUnsafeBufferPointer {
      step.add($0, input: input, reference: expected)
      step.sure.add($0, input: input, reference: expected, gaps: Self.gaps)
    }
    return step
  }

  /// What the gate makes of errors, where rounding is off by a hundredth at every token.
  private func passes(_ errors: (Int) -> Float) -> Bool {
    let again = layer { _ in 0.01 }
    var step = layer(errors)
    step.rounding = again.relative
    step.sureRounding = again.sure.relative ?? 0
    return Gate.quantised.passes(step)
  }

  @Test func anotherExpertForATokenInDoubtIsRounding() {
    #expect(passes { $0 == 0 ? 0.9 : 0.01 })
    #expect(!passes { $0 == 11 ? 0.9 : 0.01 }, "the router was sure of that token")
  }

  @Test func aFaultAtEveryTokenIsNone() {
    #expect(passes { _ in 0.015 })
    #expect(!passes { _ in 0.05 })
    #expect(!passes { $0 % 3 == 0 ? 0.2 : 0.01 }, "one expert of three")
  }

  @Test func layersWithoutExpertsHaveNoDoubt() {
    var step = StepComparison()
    #expect(step.sure.relative == nil)
    step.rounding = 0
    let (input, expected, output) = (
      [Float](repeating: 0, count: 4), [Float](repeating: 1, count: 4),
      [Float](repeating: 1.5, count: 4)
    )
    output.withUnsafeBufferPointer { step.add($0, input: input, reference: expected) }
    #expect(!Gate.quantised.passes(step))
  }
}
