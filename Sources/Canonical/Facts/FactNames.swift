/// The names of all facts and the values they can have, for checking layout files and configs.
public enum FactNames {
  /// The names that belong to a layer.
  public static let layer: Set<String> = mixer.union(
    FeedForward.facts.map(\.name) + LayerConfiguration.ownFacts.keys)

  /// The names that belong to one kind of mixer.
  static let mixer: Set<String> = Set(
    Attention.facts.map(\.name) + GatedDeltaNet.facts.map(\.name) + M2RNN.facts.map(\.name))

  /// Every name a layout may use.
  public static let all: Set<String> = layer.union(ModelConfiguration.facts.map(\.name))

  /// The kind of values that a fact can have; nil for a name that is none of a fact.
  public static func kind(of name: String) -> FactKind? {
    name.hasPrefix(ModelConfiguration.sizePrefix) ? .integer : kinds[name]
  }

  private static let kinds = [
    named(ModelConfiguration.facts), named(Attention.facts), named(GatedDeltaNet.facts),
    named(M2RNN.facts), named(FeedForward.facts),
  ].reduce(LayerConfiguration.ownFacts) { $0.merging($1) { $1 } }

  private static func named<Record>(_ facts: [Fact<Record>]) -> [String: FactKind] {
    Dictionary(uniqueKeysWithValues: facts.map { ($0.name, $0.kind) })
  }
}
