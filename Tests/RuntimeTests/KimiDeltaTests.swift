import Canonical
import Testing

@Suite struct KimiDeltaTests {
  private func kda(_ more: Facts = [:]) -> Facts {
    let facts: Facts = [
      "mixer": .word("kda"), "kda.heads": .integer(3), "kda.head_dim": .integer(6),
      "kda.taps": .integer(4),
    ]
    return facts.merging(more) { $1 }
  }

  @Test(
    arguments: [
      [:], ["kda.low_rank": .flag(true)], ["kda.safe_gate": .flag(true)],
      ["kda.safe_gate": .flag(true), "kda.lower_bound": .number(-1.5)], ["kda.taps": .integer(0)],
      ["kda.taps": .integer(1)], ["kda.length_eps": .number(0.1)], ["kda.norm_eps": .number(0.1)],
      ["kda.activation": .word("gelu")], ["kda.heads": .integer(1), "kda.head_dim": .integer(37)],
    ] as [Facts])
  func everyOption(_ more: Facts) throws {
    try expectAgreement([kda(more)])
  }

  @Test func longSequencesCrossChunks() throws {
    try expectAgreement([kda(["kda.head_dim": .integer(16)])], count: 70)
  }
}

@Suite struct LatentAttentionTests {
  private func mla(_ more: Facts = [:]) -> Facts {
    let facts: Facts = [
      "mixer": .word("mla"), "mla.heads": .integer(3), "mla.k_head_dim": .integer(5),
      "mla.shared_dim": .integer(4), "mla.v_head_dim": .integer(7), "mla.rank": .integer(9),
    ]
    return facts.merging(more) { $1 }
  }

  @Test(
    arguments: [
      [:], ["mla.q_rank": .integer(8)], ["mla.gate": .flag(true)], ["mla.bias": .flag(true)],
      ["mla.q_rank": .integer(8), "mla.bias": .flag(true), "mla.gate": .flag(true)],
      ["mla.norm_eps": .number(0.2)], ["mla.shared_dim": .integer(0)],
      ["mla.rank": .integer(70), "mla.heads": .integer(1)],
    ] as [Facts])
  func everyOption(_ more: Facts) throws {
    try expectAgreement([mla(more)])
  }

  @Test(arguments: ["pairs", "halves"])
  func theSharedPartRotates(_ rope: String) throws {
    let layer = mla(["mla.rope": .word(rope), "mla.shared_dim": .integer(6)])
    try expectAgreement([layer, layer], model: ["position": .word("rope")], count: 20)
    let other = layer.merging(["mla.rope_theta": .number(70)]) { $1 }
    try expectAgreement([layer, other], model: ["position": .word("rope")], count: 20)
  }

  @Test func longSequencesCrossBlocks() throws { try expectAgreement([mla()], count: 150) }
}
