/// The names of all facts and the values they can have, for checking layout files and configs.
public enum FactNames {
  /// The names that belong to a layer.
  public static let layer = Set(
    (LayerConfiguration.ownFacts + mixers + blocks).map(\.name))

  /// The names that belong to one kind of mixer.
  static let mixer = Set(mixers.map(\.name))

  /// The constants under roots that mixers have beside the eps of the model's norms, and that one library
  /// fixes where another takes them from the config.
  public static let epsilons: Set<String> = mixer.filter { $0.hasSuffix("_eps") }

  /// Every name a layout may use.
  public static let all = Set(descriptions.map(\.name))

  /// Every fact, those of the model first, then those of a layer, in the order of their declarations.
  public static let descriptions: [FactDescription] =
    ModelConfiguration.facts.map(\.description) + LayerConfiguration.ownFacts + mixers
    + blocks

  /// What is known of the fact of a name; nil for an unknown one.
  public static subscript(name: String) -> FactDescription? { byName[name] }

  /// The kind of values that a fact can have; nil for a name that is none of a fact.
  public static func kind(of name: String) -> FactKind? {
    name.hasPrefix(ModelConfiguration.sizePrefix) ? .integer : byName[name]?.kind
  }

  private static let mixers = Mixer.known.flatMap(\.facts)
  private static let blocks =
    FeedForward.facts.map(\.description) + NgramEmbedding.facts.map(\.description)
  private static let byName = Dictionary(uniqueKeysWithValues: descriptions.map { ($0.name, $0) })
}
