import Canonical
import Testing

@testable import Runtime

/// Which blocks a query sees, and what that must not depend on.
@Suite struct BlockChoiceTests {
  /// The largest scores are chosen; of equal ones, the first.
  @Test(arguments: [
    ([3, 1, 2, 5, 4] as [Float], 2, [3, 4]), ([1, 1, 1, 1], 2, [0, 1]),
    ([0, 0, 7, 0], 3, [0, 1, 2]),
    ([0, 2, 0, 2, 2], 2, [1, 3]), ([.infinity, 1, .infinity, 2], 3, [0, 2, 3]),
  ])
  func theBestAreChosen(scores: [Float], most: Int, expected: [Int]) throws {
    let blocks = try BlockKeys(
      length: 1, most: most, di: 1, angles: 0, capacity: scores.count, segmentLength: 2)
    blocks.scores(1).update(from: scores, count: scores.count)
    blocks.choose(1, of: scores.count)
    #expect((0..<most).map { Int(blocks.chosen(1)[$0]) } == expected)
  }

  /// Any split of a prompt gives the same numbers, in the state of a copy too.
  @Test(arguments: [[1, 2, 30], [5, 11, 17], Array(repeating: 1, count: 33)])
  func anySplitIsTheSame(lengths: [Int]) throws {
    let model = try Model(RandomModel.make(Self.layers, model: Self.model))
    let tokens = (0..<33).map { ($0 * 7 + $0 / 5) % 13 }
    let whole = try Self.logits(model, tokens, [33])
    let parts = try Self.logits(model, tokens, lengths)
    #expect(zip(whole, parts).allSatisfy { abs($0 - $1) < 1e-4 * max(1, abs($0)) })
  }

  private static let model: Facts = [
    "hyper.streams": .integer(3), "hyper.rank": .integer(4), "position": .word("rope"),
    "rope.fraction": .number(0.5),
  ]

  private static let layers: [Facts] = [
    gdn([
      "ngram": .flag(true), "ngram.size": .integer(3), "ngram.heads": .integer(2),
      "ngram.dim": .integer(8), "ngram.taps": .integer(3), "ngram.separator": .integer(4),
      "ngram.base": .integer(7), "gdn.gate": .word("after_norm"),
      "gdn.gate_activation": .word("sigmoid"),
    ]),
    attention([
      "attention.index_heads": .integer(3), "attention.index_head_dim": .integer(8),
      "attention.index_block": .integer(3), "attention.index_budget": .integer(9),
    ]),
  ]

  private static func logits(_ model: Model, _ tokens: [Int], _ lengths: [Int]) throws -> [Float] {
    let workspace = try Workspace(model)
    var (state, start, all) = (try SequenceState(model, capacity: tokens.count), 0, [Float]())
    for length in lengths {
      let rows = try model.forward(Array(tokens[start..<start + length]), state, workspace)
      all += Array(rows.values)
      start += length
      state = try state.copy()
    }
    return all
  }
}
