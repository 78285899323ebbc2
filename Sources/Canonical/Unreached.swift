/// Something in which two models differ though no prompt need reach it: a tensor that is carried and
/// never run, a row of the embedding, an expert, a window longer than the prompts.
public struct Unreached: Hashable, Sendable {
  /// The stored name, the role or the fact.
  public let name: String
  /// The layer it belongs to, which of the embedding is the first; nil for what belongs to none.
  public let layer: Int?
  /// The squared differences over the squares of what differs.
  public let relative: Double
  /// The largest difference.
  public let maxAbs: Double

  /// A difference from its parts.
  public init(name: String, layer: Int?, relative: Double, maxAbs: Double) {
    (self.name, self.layer) = (name, layer)
    (self.relative, self.maxAbs) = (relative, maxAbs)
  }

  /// A difference of no size, such as a tensor that only one of both has.
  public init(name: String, layer: Int?) {
    self.init(name: name, layer: layer, relative: .infinity, maxAbs: .infinity)
  }
}
