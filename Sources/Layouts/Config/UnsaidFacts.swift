import Canonical

/// Facts that a layout cannot express.
public struct UnsaidFacts: Hashable, Sendable {
  /// The config key that would state them.
  public let key: String
  /// The facts.
  public let facts: Facts
  /// The layer, for facts of one layer.
  public let layer: Int?
}

extension UnsaidFacts {
  /// For layers that are of none of the kinds of a layout: the facts in which each differs from the nearest
  /// kind.
  static func keeping(_ layers: [Facts], from kinds: [Facts], at key: ConfigKey) -> [UnsaidFacts] {
    layers.enumerated().compactMap { index, layer in
      let kind = kinds.min { $0.distance(to: layer) < $1.distance(to: layer) }
      guard let nearest = kind?.disagreements(with: layer), !nearest.isEmpty else { return nil }
      return UnsaidFacts(key: key.path, facts: layer.only(nearest), layer: index)
    }
  }
}
