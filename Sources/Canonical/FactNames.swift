/// The names of all facts, for checking layout files.
public enum FactNames {
  /// Every name a layout may use.
  public static let all: Set<String> = Set(
    ModelConfiguration.facts.map(\.name) + Attention.facts.map(\.name)
      + GatedDeltaNet.facts.map(\.name) + M2RNN.facts.map(\.name) + FeedForward.facts.map(\.name)
      + LayerConfiguration.ownFacts)
}
