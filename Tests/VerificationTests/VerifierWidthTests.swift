import Canonical
import GraftTestSupport
import Layouts
import Opening
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

  /// A model whose layers are those of another, some left out.
  private func model(_ canonical: CanonicalModel, keeping kept: [Int]) throws -> Model {
    var configuration = canonical.configuration
    configuration.layers = kept.map { configuration.layers[$0] }
    configuration.layerCount = kept.count
    var tensors = canonical.tensors.filter { $0.key.layer == nil }
    for (index, layer) in kept.enumerated() {
      for (role, tensor) in canonical.tensors where role.layer == layer {
        tensors[Role(role.name, layer: index, expert: role.expert)] = tensor
      }
    }
    return try Model(CanonicalModel(configuration: configuration, tensors: tensors))
  }

  /// Where one of two models has fewer layers, the first that both do not share is named.
  @Test(arguments: [([0, 1, 3], 2), ([0, 1, 2], 3), ([1, 2, 3], 0), ([0], 1)])
  func aLayerThatIsLeftOutIsNamed(kept: [Int], expected: Int) throws {
    let canonical = try OpenedModel(Fixtures.path("lm-engine/gdn-hybrid"), catalogue: .builtIn())
      .canonical
    let (whole, part) = (try Model(canonical), try model(canonical, keeping: kept))
    for (a, b) in [(whole, part), (part, whole)] {
      let report = try Verifier(a, gate: .f32, threads: 1)
        .compare(with: b, tokens: TokenBatch(rows: [[1, 2, 3, 4, 5]]))
      #expect(!report.passes && report.firstDivergentLayer == expected)
      #expect(report.layers.count == kept.count)
    }
  }
}
