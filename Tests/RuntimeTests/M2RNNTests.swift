import Canonical
import Testing

@Suite struct M2RNNTests {
  @Test(arguments: [
    [1, 1, 4, 4, 4], [4, 4, 4, 4, 4], [1, 1, 1, 1, 4], [4, 1, 1, 2, 1], [1, 4, 2, 1, 2],
    [2, 1, 1, 4, 1], [1, 2, 4, 1, 1], [1, 1, 1, 4, 2], [1, 1, 1, 1, 1], [2, 6, 3, 1, 6],
  ])
  func everyHeadUsesItsGroup(_ n: [Int]) throws {
    try expectAgreement([m2rnn(q: n[0], k: n[1], v: n[2], f: n[3], weight: n[4])])
  }

  @Test(
    arguments: [
      ["m2rnn.taps": .integer(0), "m2rnn.activation": .word("identity")],
      ["m2rnn.taps": .integer(1)], ["m2rnn.taps": .integer(3), "m2rnn.activation": .word("tanh")],
      ["m2rnn.activation": .word("identity")], ["m2rnn.activation": .word("prelu")],
      ["m2rnn.bias": .flag(true)], ["m2rnn.residual": .flag(false)], ["m2rnn.norm": .none],
      ["m2rnn.norm": .word("layernorm")],
      [
        "m2rnn.bias": .flag(true), "m2rnn.taps": .integer(0), "m2rnn.activation": .word("identity"),
      ],
      ["m2rnn.v_head_dim": .integer(16), "m2rnn.k_head_dim": .integer(13)],
      ["m2rnn.v_head_dim": .integer(18)],
    ] as [Facts])
  func everyOption(_ more: Facts) throws {
    try expectAgreement([m2rnn(more)])
  }
}
