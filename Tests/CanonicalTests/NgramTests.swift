import Testing

@testable import Canonical

/// What n-grams are hashed with.
@Suite struct NgramTests {
  /// As transformers gives them for a vocabulary of 128, a base of 90 and two heads for each length.
  @Test func hashesFollowFromSeedAndSizes() throws {
    let facts: Facts = [
      "ngram": .flag(true), "ngram.size": .integer(3), "ngram.heads": .integer(2),
      "ngram.dim": .integer(64), "ngram.taps": .integer(4), "ngram.separator": .integer(3),
      "ngram.base": .integer(90),
    ]
    let ngrams = try #require(try Self.resolved([facts]).first)
    #expect(
      ngrams.multipliers == [40323955908725927, 35454616657218691, 55314113489879455])
    #expect(ngrams.sizes == [97, 101, 103, 107] && ngrams.offsets == [0, 97, 198, 301])
    #expect(ngrams.rows == 512 && ngrams.seed == 1234)
    // The next layer goes on with the primes, and has hashes of its own.
    let second = try Self.resolved([facts, facts])[1]
    #expect(second.sizes == [109, 113, 127, 131] && second.multipliers != ngrams.multipliers)
  }

  /// The seed and the least size are found where only what follows from them is known.
  @Test func seedAndSizesAreFoundAgain() throws {
    let facts: Facts = [
      "ngram": .flag(true), "ngram.size": .integer(2), "ngram.heads": .integer(2),
      "ngram.dim": .integer(4), "ngram.taps": .integer(1), "ngram.separator": .integer(0),
      "ngram.multipliers": .word(
        NgramHashes.multipliers(seed: 77, index: 0, order: 2, vocabulary: 128)
          .map(String.init).joined(separator: ",")),
      "ngram.sizes": .word("7,11"), "ngram.rows": .integer(40),
    ]
    let ngrams = try #require(try Self.resolved([facts]).first)
    #expect(ngrams.seed == 77 && ngrams.base == 7 && ngrams.offsets == [0, 7])
    #expect(ngrams.multiple == 40 && ngrams.parts == 8)
  }

  private static func resolved(_ layers: [Facts]) throws -> [NgramEmbedding] {
    let mixer: Facts = [
      "mixer": .word("gdn"), "gdn.k_heads": .integer(1), "gdn.v_heads": .integer(1),
      "gdn.k_head_dim": .integer(2), "gdn.v_head_dim": .integer(2),
      "mlp.intermediate": .integer(2),
    ]
    let model: Facts = [
      "vocabulary": .integer(128), "hidden": .integer(4), "layers": .integer(layers.count),
      "hyper.streams": .integer(2), "hyper.rank": .integer(1),
    ]
    return try ModelConfiguration(
      model: model, layers: layers.map { $0.merging(mixer) { $1 } }
    ).layers.map(\.ngrams)
  }
}
