import Canonical
import Testing

@testable import Runtime

@Suite struct AttentionTests {
  @Test(
    arguments: [
      [:], ["attention.bias": .flag(true)], ["attention.o_bias": .flag(true)],
      ["attention.gate": .flag(true)],
      ["attention.gate": .flag(true), "attention.bias": .flag(true)],
      ["attention.exclusive": .flag(true)], ["attention.scale": .number(0.9)],
      ["attention.scale_rule": .word("1/hd")], ["attention.qk_norm": .word("head")],
      ["attention.qk_norm": .word("projection")], ["attention.head_dim": .integer(17)],
      ["attention.window": .integer(1)], ["attention.window": .integer(4)],
    ] as [Facts])
  func everyOption(_ more: Facts) throws {
    try expectAgreement([attention(more)])
  }

  @Test(arguments: [[1, 1], [4, 4], [6, 2], [3, 1]])
  func queryHeadsReadTheirKeyHead(_ heads: [Int]) throws {
    try expectAgreement([attention(heads: heads[0], kvHeads: heads[1])])
  }

  @Test(arguments: [nil, 3, 64, 70] as [Int?])
  func longSequencesCrossBlocks(_ window: Int?) throws {
    let more: Facts = window.map { ["attention.window": .integer($0)] } ?? [:]
    try expectAgreement([attention(heads: 2, kvHeads: 1, more)], count: 150)
  }

  @Test func aWindowKeepsWhatItSees() throws {
    let canonical = try RandomModel.make([attention(["attention.window": .integer(9)])])
    let ids = tokens(300)
    let expected = ReferenceModel(model: canonical).logits(ids)
    let got = try logits(canonical, ids, segments: [8, 8, 3], segmentLength: 8)
    #expect(distance(got, expected) < 5e-5)
    let state = try SequenceState(Model(canonical), capacity: 100_000, segmentLength: 8)
    #expect(state.byteCount < 50_000)
  }

  @Test(
    arguments: [
      ["rope.side": .word("first")], ["rope.side": .word("last")],
      ["rope.side": .word("first"), "rope.dim": .integer(4)],
      ["rope.side": .word("last"), "rope.dim": .integer(2), "rope.theta": .number(50)],
    ] as [Facts])
  func rotatesTheSideItSays(_ more: Facts) throws {
    let model: Facts = ["position": .word("rope")]
    try expectAgreement(
      [attention(), gdn(), attention()], model: model.merging(more) { $1 }, count: 20)
  }

  /// Layers that RoPE leaves alone stand among others, with a window and without.
  @Test func someLayersRotate() throws {
    let plain = attention(["attention.rope": .flag(false)])
    let window = attention(["attention.window": .integer(5)])
    try expectAgreement(
      [plain, window, gdn(), plain], model: ["position": .word("rope")], count: 20)
  }

  /// Where a share of the dims is rotated, layers with other head dims rotate another number.
  @Test(arguments: [1, 0.5])
  func everyHeadDimRotatesItsShare(_ fraction: Double) throws {
    let model: Facts = ["position": .word("rope"), "rope.fraction": .number(fraction)]
    let wide = attention(heads: 2, kvHeads: 1, ["attention.head_dim": .integer(16)])
    let narrow = attention(heads: 4, kvHeads: 2, ["attention.head_dim": .integer(8)])
    try expectAgreement([narrow, gdn(), wide, narrow], model: model, count: 20)
    try expectAgreement([wide, narrow], model: model, count: 20)
  }

  @Test func learnedPositions() throws {
    let model: Facts = ["position": .word("learned"), "positions": .integer(11)]
    try expectAgreement([attention()], model: model)
  }
}
