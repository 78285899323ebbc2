/// A difference of two models that a prompt may not reach: in a tensor that is carried and never run, a row
/// of the embedding or the head, an expert, a window longer than the prompts.
public struct Unreached: Hashable, Sendable {
  /// The stored name, the role or the fact.
  public let name: String
  /// The layer it belongs to, which of the embedding is the first; nil for what belongs to none.
  public let layer: Int?
  /// How far the values are apart; infinite where there are none to compare.
  public let gap: ValueGap

  /// A difference from its parts.
  public init(name: String, layer: Int?, gap: ValueGap = .infinite) {
    (self.name, self.layer, self.gap) = (name, layer, gap)
  }
}
