import Diagnostics

/// One decoder layer: a mixer and a feed-forward block, each with its norm.
public struct LayerConfiguration: Hashable, Sendable {
  /// Where the norms of a layer stand.
  public enum NormPlacement: String, CaseIterable, Sendable {
    /// `h += block(norm(h))`
    case pre
    /// `h += norm(block(h))`
    case post
  }

  /// The token mixer.
  public var mixer: Mixer
  /// The MLP or mixture of experts.
  public var feedForward: FeedForward
  /// Where the norms stand.
  public var normPlacement: NormPlacement
  /// The n-gram embeddings that are added in front of the mixer, if there are any.
  public var ngrams = NgramEmbedding()
  /// What a layout says of the layer beyond what Graft knows; nil for most layers.
  public var mark: String?

  /// A layer from its parts.
  public init(mixer: Mixer, feedForward: FeedForward, normPlacement: NormPlacement = .pre) {
    self.mixer = mixer
    self.feedForward = feedForward
    self.normPlacement = normPlacement
  }

  init(_ facts: Facts, hidden: Int) throws {
    mixer = try Mixer(facts, hidden: hidden)
    feedForward = try FeedForward(facts)
    ngrams = try NgramEmbedding(facts)
    normPlacement = facts["norm.placement"]?.asWord.flatMap(NormPlacement.init) ?? .pre
    mark = facts["mark"]?.asWord
  }

  /// The facts that belong to the layer itself.
  static let ownFacts = [
    // The kind of the token mixer; one that Graft does not know is carried, not computed.
    FactDescription("mixer", .word),
    // Whether the mixer is only carried.
    FactDescription("carried", .flag, isDerived: true),
    // Where the norms of a layer stand: before each block, or behind it.
    FactDescription("norm.placement", words: NormPlacement.self),
    // A word of the layout for layers that have tensors of their own.
    FactDescription("mark", .word, isOptional: true),
  ]

  /// The facts of the layer.
  public var values: Facts {
    withOwnFacts(mixer.values.merging(feedForward.values) { $1 }.merging(ngrams.values) { $1 })
  }

  /// The facts of the layer that decide what it computes, defaults resolved.
  func meaning(in model: Surroundings) -> Facts {
    withOwnFacts(
      mixer.meaning(in: model).merging(feedForward.meaning(in: model)) { $1 }
        .merging(ngrams.meaning(in: model)) { $1 })
  }

  private func withOwnFacts(_ facts: Facts) -> Facts {
    var facts = facts
    facts["norm.placement"] = .word(normPlacement.rawValue)
    facts["mark"] = mark.map(FactValue.word)
    return facts
  }
}
