import Canonical
import Diagnostics
import Testing
import Verification

/// Prompts: the built-in one, cuts, and what is refused.
@Suite struct TokenBatchTests {
  @Test(arguments: [1, 2, 96, 256, 151_936, 1 << 40])
  func theBuiltInPromptStaysInTheVocabulary(_ vocabulary: Int) throws {
    var configuration = ModelConfiguration()
    configuration.vocabulary = vocabulary
    let batch = TokenBatch.builtIn(for: configuration)
    #expect(batch.positions == 512 && batch.rows.count == 1 && batch.labels == nil)
    try batch.check(vocabulary: vocabulary, file: nil)
    #expect(batch == TokenBatch.builtIn(for: configuration))
    if vocabulary >= 96 { #expect(Set(batch.rows[0]).count > 90) }
  }

  @Test(arguments: [[], [[]], [[1], []], [[96]], [[-1]], [[0, .max]], [[.min]]] as [[[Int]]])
  func promptsThatCannotBeRun(_ rows: [[Int]]) throws {
    let problem = try #require(throws: Problem.self) {
      try TokenBatch(rows: rows).check(vocabulary: 96, file: "tokens.json")
    }
    #expect(problem.kind == .invalid && problem.file == "tokens.json")
  }

  @Test func labelsMayAskForNothingButNotForTooMuch() throws {
    try TokenBatch(rows: [[1, 2]], labels: [[-100, 95]]).check(vocabulary: 96, file: nil)
    let problem = try #require(throws: Problem.self) {
      try TokenBatch(rows: [[1, 2]], labels: [[0, 96]]).check(vocabulary: 96, file: "t")
    }
    #expect(problem.found == "96 at position 1 of row 0" && problem.file == "t")
  }

  @Test func cutsKeepTokensAndLabelsTogether() throws {
    let batch = TokenBatch(rows: [[1, 2, 3, 4, 5], [6]], labels: [[9, 8, 7, 6, 5], [4]])
    #expect(batch.positions == 6)
    let short = batch.limited(to: 2)
    #expect(short.rows == [[1, 2], [6]] && short.labels == [[9, 8], [4]])
    let blocks = try batch.blocks(of: 2)
    #expect(blocks.rows == [[1, 2], [3, 4]] && blocks.labels == [[9, 8], [7, 6]])
    #expect(throws: Problem.self) { try batch.blocks(of: 6) }
    #expect(batch.limited(to: .max) == batch)
  }
}
