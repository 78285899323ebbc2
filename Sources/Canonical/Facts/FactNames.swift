/// The names of all facts and the values they can have, for checking layout files and configs.
public enum FactNames {
  /// The names that belong to a layer.
  public static let layer: Set<String> = mixer.union(
    FeedForward.facts.map(\.name) + LayerConfiguration.ownFacts.keys)

  /// The names that belong to one kind of mixer.
  static let mixer: Set<String> = Set(Mixer.known.flatMap(\.facts.keys))

  /// Every name a layout may use.
  public static let all: Set<String> = layer.union(ModelConfiguration.facts.map(\.name))

  /// The kind of values that a fact can have; nil for a name that is none of a fact.
  public static func kind(of name: String) -> FactKind? {
    name.hasPrefix(ModelConfiguration.sizePrefix) ? .integer : kinds[name]
  }

  private static let kinds =
    (Mixer.known.map(\.facts) + [
      ModelConfiguration.kinds, FeedForward.kinds,
    ]).reduce(LayerConfiguration.ownFacts) { $0.merging($1) { $1 } }
}
