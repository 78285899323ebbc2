import Canonical
import GraftTestSupport
import Testing

@testable import Runtime

/// Prompts that share segments compute what each computes alone.
@Suite struct PromptBatchTests {
  private static let dense = [
    gdn(), m2rnn(), attention(["attention.window": .integer(5)]), attention(), gdn(),
  ]
  private static let hybrid =
    dense + [
      gdn(["mlp": .word("moe"), "moe.experts": .integer(5), "moe.experts_per_token": .integer(2)])
    ]

  private func prompts(_ lengths: [Int]) -> [[Int]] {
    lengths.enumerated().map { tokens($1, seed: UInt64($0 + 1)) }
  }

  private func together(_ canonical: CanonicalModel, _ prompts: [[Int]], segmentLength: Int) throws
    -> [[[Float]]]
  {
    let model = try Model(canonical)
    let workspace = try Workspace(model, segmentLength: segmentLength, threads: 2)
    let batch = PromptBatch(model, prompts, workspace)
    var result: [[[Float]]] = Array(repeating: [], count: prompts.count)
    for segment in batch.segments {
      for (part, rows) in zip(segment, try batch.run(segment)) {
        #expect(rows.positions == part.positions)
        result[part.prompt] += rows.positions.map { Array(rows[$0]) }
      }
    }
    return result
  }

  @Test(arguments: ["rope", "learned", "none"])
  func aRaggedBatchIsThePromptsOneByOne(position: String) throws {
    let canonical = try RandomModel.make(
      Self.dense, model: ["position": .word(position), "positions": .integer(64)])
    let prompts = prompts([7, 2, 30, 3, 9, 40, 2])
    let alone = try prompts.map { try logits(canonical, $0) }
    #expect(try together(canonical, prompts, segmentLength: 256) == alone)
  }

  @Test(arguments: [3, 16, 17])
  func segmentsCutPromptsAnywhere(segmentLength: Int) throws {
    let canonical = try RandomModel.make(Self.hybrid)
    let prompts = prompts([7, 1, 30, 3, 1, 1, 9])
    let alone = try prompts.map { try logits(canonical, $0) }
    for (got, expected) in zip(
      try together(canonical, prompts, segmentLength: segmentLength), alone)
    {
      #expect(distance(got, expected) < 2e-5)
    }
  }

  @Test func observersTellSequencesApart() throws {
    let canonical = try RandomModel.make(Self.hybrid)
    let model = try Model(canonical)
    let workspace = try Workspace(model, threads: 1)
    let batch = PromptBatch(model, prompts([4, 6]), workspace)
    var seen: [Int: [Range<Int>]] = [:]
    let observer = ForwardObserver(hidden: { seen[$1.sequence, default: []].append($1.positions) })
    _ = try batch.run(try #require(batch.segments.first), logits: .last, observer: observer)
    #expect(seen == [0: Array(repeating: 0..<4, count: 7), 1: Array(repeating: 0..<6, count: 7)])
  }

  @Test func theLastPositionsAlone() throws {
    let canonical = try RandomModel.make(Self.hybrid)
    let model = try Model(canonical)
    let workspace = try Workspace(model, threads: 1)
    let prompts = prompts([4, 6, 3])
    let batch = PromptBatch(model, prompts, workspace)
    let rows = try batch.run(try #require(batch.segments.first), logits: .last)
    for (prompt, last) in zip(prompts, rows) {
      #expect(last.positions == prompt.count - 1..<prompt.count)
      #expect(
        try distance([Array(last.values)], [logits(canonical, prompt)[prompt.count - 1]]) < 1e-5)
    }
  }
}
