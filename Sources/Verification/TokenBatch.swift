import Canonical
import Diagnostics
import Tensors

/// Prompts as token ids, one row each, with labels where the file has them.
public struct TokenBatch: Hashable, Sendable {
  /// The prompts.
  public var rows: [[Int]]
  /// What should be predicted at each position, row by row; negative where nothing is asked.
  public var labels: [[Int]]?

  /// Prompts without labels.
  public init(rows: [[Int]], labels: [[Int]]? = nil) {
    self.rows = rows
    self.labels = labels
  }

  /// The number of positions of all rows.
  public var positions: Int { rows.reduce(0) { $0 + $1.count } }

  /// A prompt of 512 tokens, or of all learned positions, that visits the vocabulary at random, all of
  /// it where it is no larger; the same for every run.
  public static func builtIn(for model: ModelConfiguration) -> TokenBatch {
    var bits = SplitMix64(seed: 0)
    let length = model.position == .learned ? min(512, model.maximumPositions) : 512
    let isVisited = model.vocabulary <= length
    var unseen: [Int] = []
    let tokens = (0..<length).map { _ in
      guard isVisited else { return Int(bits.next() % UInt64(model.vocabulary)) }
      if unseen.isEmpty { unseen = Array(0..<model.vocabulary) }
      return unseen.remove(at: Int(bits.next() % UInt64(unseen.count)))
    }
    return TokenBatch(rows: [tokens])
  }

  /// The same prompt of tokens that two models have.
  public static func builtIn(for model: ModelConfiguration, and other: ModelConfiguration)
    -> TokenBatch
  {
    var common = model
    common.vocabulary = min(model.vocabulary, other.vocabulary)
    return builtIn(for: common)
  }

  /// What should be predicted at each position of a prompt: its labels, or else the next token; negative
  /// where nothing is asked.
  func targets(row: Int) -> [Int] { labels?[row] ?? Array(rows[row].dropFirst()) + [-1] }

  /// Checks that every prompt can be run.
  /// - Throws: `Problem` of kind `invalid` for an empty prompt, or an id or label outside the vocabulary.
  public func check(vocabulary: Int, file: String?) throws {
    guard !rows.isEmpty else {
      throw Problem(
        .invalid, "there is no prompt", file: file, remedy: "give at least one list of tokens")
    }
    for (index, row) in rows.enumerated() {
      guard !row.isEmpty else {
        throw Problem(
          .invalid, "a prompt is empty", file: file, found: "row \(index)",
          remedy: "give at least one token, or leave the row out")
      }
      guard let position = row.firstIndex(where: { $0 < 0 || $0 >= vocabulary }) else { continue }
      throw Problem(
        .invalid, "a token is outside the vocabulary", file: file,
        expected: "0 to \(vocabulary - 1)",
        found: "\(row[position]) at position \(position) of row \(index)",
        remedy: "tokenize with the tokenizer of this model")
    }
    for (index, row) in (labels ?? []).enumerated() {
      guard let position = row.firstIndex(where: { $0 >= vocabulary }) else { continue }
      throw Problem(
        .invalid, "a label is outside the vocabulary", file: file,
        expected: "0 to \(vocabulary - 1), or less where nothing is asked",
        found: "\(row[position]) at position \(position) of row \(index)",
        remedy: "tokenize with the tokenizer of this model; -100 asks nothing")
    }
  }

  /// The first tokens of every row.
  public func limited(to count: Int) -> TokenBatch {
    TokenBatch(
      rows: rows.map { Array($0.prefix(count)) }, labels: labels?.map { Array($0.prefix(count)) })
  }

  /// The rows cut into pieces of a length that are run on their own; a shorter rest is left out.
  /// - Throws: `Problem` of kind `usage` where no row has that length.
  public func blocks(of length: Int) throws -> TokenBatch {
    guard let longest = rows.map(\.count).max(), longest >= length else {
      throw Problem(
        .usage, "no sequence is as long as a block", expected: "at least \(length) tokens",
        found: "\(rows.map(\.count).max() ?? 0)", remedy: "give a smaller --block, or more tokens")
    }
    func cut(_ rows: [[Int]]) -> [[Int]] {
      rows.flatMap { row in
        stride(from: 0, through: row.count - length, by: length).map {
          Array(row[$0..<($0 + length)])
        }
      }
    }
    return TokenBatch(rows: cut(rows), labels: labels.map(cut))
  }
}
