import Diagnostics
import HeapModule

/// Byte-pair encoding of one word: neighbours are merged, the pair that comes first in the list first; or, where
/// tokens have ranks and there is no list, the pair that becomes the token of the lowest rank.
///
/// Source: Sennrich et al., arXiv 1508.07909; ties as in Hugging Face's `tokenizers` and in `tiktoken`: leftmost
/// first.
struct PairMerging {
  private struct Pair: Hashable {
    let left: Int
    let right: Int
  }

  /// A merge that may be done: by rank, then by place.
  private struct Candidate: Comparable {
    let rank: Int
    let place: Int
    let pair: Pair

    static func < (a: Candidate, b: Candidate) -> Bool { (a.rank, a.place) < (b.rank, b.place) }
  }

  private var merges: [Pair: (rank: Int, id: Int)] = [:]
  /// The bytes of each token by its rank; nil where merges are listed.
  private var ranked: [[UInt8]]?
  private var words: [[UInt8]: Int] = [:]
  private var letters: [Int] = []
  private let takesWholeWords: Bool

  /// - Throws: `Problem` of kind `invalid` where a byte or a merged text has no token.
  init(_ file: TokenizerFile) throws {
    try self.init(
      file.vocabulary, file.merges, takesWholeWords: file.model["ignore_merges"]?.bool ?? false)
  }

  /// - Parameters:
  ///   - merges: pairs of texts with a space between them, first the ones merged first; of equal ones the
  ///     last counts.
  ///   - takesWholeWords: whether a word that is a token is not merged from its letters.
  /// - Throws: `Problem` of kind `invalid` where a byte or a merged text has no token.
  init(
    _ vocabulary: [(text: String, id: Int)], _ merges: [String], takesWholeWords: Bool = false
  ) throws {
    self.takesWholeWords = takesWholeWords
    for (text, id) in vocabulary {
      if let bytes = ByteLetters.bytes(of: text) { words[bytes] = id }
    }
    letters = try (UInt8.min...UInt8.max).map { try id(of: [$0]) }
    self.merges.reserveCapacity(merges.count)
    for (rank, merge) in merges.enumerated() {
      let sides = merge.split(separator: " ").compactMap(ByteLetters.bytes)
      guard sides.count == 2 else {
        throw Problem(
          .invalid, "a merge is no pair of texts of byte letters", found: "\"\(merge.prefix(60))\"")
      }
      let pair = try Pair(left: id(of: sides[0]), right: id(of: sides[1]))
      self.merges[pair] = (rank, try id(of: sides[0] + sides[1]))
    }
  }

  /// Merges whatever becomes a token; a word that is one is not merged from its letters.
  /// - Parameter ranked: the bytes of each token, in the order of ranks, which are the numbers of tokens.
  /// - Throws: `Problem` of kind `invalid` where a byte has no token.
  init(ranked: [[UInt8]]) throws {
    takesWholeWords = true
    self.ranked = ranked
    for (id, bytes) in ranked.enumerated() { words[bytes] = id }
    letters = try (UInt8.min...UInt8.max).map { try id(of: [$0]) }
  }

  private func id(of bytes: [UInt8]) throws -> Int {
    if let id = words[bytes] { return id }
    throw Problem(
      .invalid, "the vocabulary lacks a token that BPE needs",
      expected: "\"" + String(String.UnicodeScalarView(bytes.map { ByteLetters.letters[Int($0)] }))
        + "\"")
  }

  /// The tokens of a word.
  /// - Cost: n log n for n bytes.
  func ids(_ word: [UInt8]) -> [Int] {
    if takesWholeWords, let id = words[word] { return [id] }
    var ids = word.map { letters[Int($0)] }
    var next = Array(1...max(ids.count, 1))
    var previous = Array(-1..<max(ids.count - 1, 0))
    var heap = Heap((0..<max(ids.count - 1, 0)).compactMap { candidate($0, ids, next) })
    while let best = heap.popMin() {
      let right = next[best.place]
      guard right < ids.count, Pair(left: ids[best.place], right: ids[right]) == best.pair else {
        continue
      }
      ids[best.place] = merge(best.pair)?.id ?? ids[best.place]
      ids[right] = Self.gone
      next[best.place] = next[right]
      if next[right] < ids.count { previous[next[right]] = best.place }
      for place in [previous[best.place], best.place] where place >= 0 {
        if let candidate = candidate(place, ids, next) { heap.insert(candidate) }
      }
    }
    return ids.filter { $0 != Self.gone }
  }

  /// What stands where a token was merged into the one before.
  private static let gone = -1

  private func candidate(_ place: Int, _ ids: [Int], _ next: [Int]) -> Candidate? {
    guard next[place] < ids.count else { return nil }
    let pair = Pair(left: ids[place], right: ids[next[place]])
    return merge(pair).map { Candidate(rank: $0.rank, place: place, pair: pair) }
  }

  private func merge(_ pair: Pair) -> (rank: Int, id: Int)? {
    guard let ranked else { return merges[pair] }
    return words[ranked[pair.left] + ranked[pair.right]].map { ($0, $0) }
  }
}
