import Conversion
import GraftTestSupport
import Layouts
import Runtime
import Testing

@testable import Verification

/// Models that differ in more than values.
struct VerifierWidthTests {
  private func model(_ name: String) throws -> Model {
    try Model(OpenedModel(Fixtures.path(name), catalogue: .builtIn()).canonical)
  }

  /// Two models with one vocabulary and as many layers, but streams of another width.
  @Test func streamsOfAnotherWidthAreNotCompared() throws {
    let narrow = try model("options/gdn-small")
    let verifier = try Verifier(narrow, gate: .f32, threads: 1)
    let report = try verifier.compare(
      with: model("options/yarn-inverted"), tokens: TokenBatch(rows: [[1, 2, 3]]))
    #expect(report.layers.isEmpty && !report.passes)
    #expect(report.logits.positions == 3 && report.stepped.positions == 3)
  }
}
