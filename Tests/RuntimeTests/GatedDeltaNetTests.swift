import Canonical
import Testing

@Suite struct GatedDeltaNetTests {
  @Test(
    arguments: [
      [:], ["gdn.gate": .word("before_norm")], ["gdn.gate": .word("none")],
      ["gdn.taps": .integer(0)], ["gdn.taps": .integer(1)], ["gdn.taps": .integer(2)],
      ["gdn.negative_eigenvalues": .flag(true)], ["gdn.scale": .number(0.3)],
      ["gdn.length_eps": .number(0.1)], ["gdn.activation": .word("gelu")],
      ["gdn.norm_eps": .number(0.1)], ["gdn.v_head_dim": .integer(16)],
      ["gdn.v_head_dim": .integer(37), "gdn.k_head_dim": .integer(9)],
    ] as [Facts])
  func everyOption(_ more: Facts) throws {
    try expectAgreement([gdn(more)])
  }

  @Test(arguments: [[1, 1], [1, 3], [3, 3], [2, 6]])
  func valueHeadsReadTheirKeyHead(_ heads: [Int]) throws {
    try expectAgreement([gdn(keyHeads: heads[0], valueHeads: heads[1])])
  }
}
