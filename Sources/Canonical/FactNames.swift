/// The names of all facts, for checking layout files.
public enum FactNames {
  /// The names that belong to a layer.
  public static let layer: Set<String> = mixer.union(
    FeedForward.facts.map(\.name) + LayerConfiguration.ownFacts)

  /// The names that belong to one kind of mixer.
  static let mixer: Set<String> = Set(
    Attention.facts.map(\.name) + GatedDeltaNet.facts.map(\.name) + M2RNN.facts.map(\.name))

  /// Every name a layout may use.
  public static let all: Set<String> = layer.union(ModelConfiguration.facts.map(\.name))
}
