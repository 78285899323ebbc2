import Diagnostics
import Testing

@testable import Canonical

/// Facts that depend on each other, and numbers that cannot be.
struct ModelConfigurationTests {
  private let model: Facts = [
    "vocabulary": .integer(8), "hidden": .integer(12), "layers": .integer(1),
  ]
  private let attention: Facts = [
    "mixer": .word("attention"), "attention.heads": .integer(3), "mlp.intermediate": .integer(4),
  ]

  private func configuration(_ model: Facts = [:], _ layer: Facts = [:]) throws
    -> ModelConfiguration
  {
    try ModelConfiguration(
      model: self.model.merging(model) { $1 }, layers: [attention.merging(layer) { $1 }])
  }

  @Test func headDimAndKeyHeadsFollowFromTheRest() throws {
    guard case .attention(let mixer) = try configuration().layers[0].mixer else { return }
    #expect(mixer.headDim == 4)
    #expect(mixer.kvHeads == 3)
    #expect(mixer.scoreScale == 0.5)
  }

  @Test func ropeDimFollowsFromTheHeadDim() throws {
    #expect(try configuration(["position": .word("rope")]).ropeDim == 4)
  }

  @Test(arguments: [
    ["hidden": FactValue.integer(0)], ["hidden": .integer(-3)], ["hidden": .integer(1 << 40)],
    ["vocabulary": .integer(0)], ["layers": .integer(2)], ["logits.divisor": .number(0)],
    ["hidden": .word("wide")], ["tied": .integer(1)], ["norm": .word("p_norm")],
  ])
  func wrongModelFactsAreRefused(facts: Facts) {
    #expect(throws: (any Error).self) { try configuration(facts) }
  }

  @Test(arguments: [
    ["attention.kv_heads": FactValue.integer(2)], ["attention.heads": .integer(0)],
    ["attention.window": .integer(0)], ["mlp.intermediate": .integer(0)],
    ["mlp": .word("moe"), "moe.experts": .integer(2), "moe.experts_per_token": .integer(3)],
    ["mlp": .word("moe"), "moe.experts": .integer(1 << 20), "moe.experts_per_token": .integer(1)],
    ["mixer": .word("gdn"), "gdn.k_heads": .integer(2), "gdn.v_heads": .integer(3)],
    ["mixer": .word("m2rnn"), "m2rnn.q_heads": .integer(2), "m2rnn.k_heads": .integer(3)],
  ])
  func wrongLayerFactsAreRefused(facts: Facts) {
    #expect(throws: (any Error).self) { try configuration([:], facts) }
  }

  @Test func factsAreReadAsTheyAreWritten() throws {
    let configuration = try configuration(["norm.eps": .number(0.25), "tied": .flag(true)])
    let again = try ModelConfiguration(
      model: configuration.values, layers: configuration.layers.map(\.values))
    #expect(again == configuration)
  }
}
