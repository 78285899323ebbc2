import Canonical

/// Stored tensors that are carried through by name, for one layer or the model.
public struct CarriedPrefix: Hashable, Sendable {
  /// How their names begin.
  public let prefix: String
  /// Their layer.
  public let layer: Int?
  /// The role whose values they repeat; the prefix is then the whole name.
  public let same: Role?
  /// Whether they belong to multi-token prediction.
  public let isPrediction: Bool
  /// Whether the original never reads the tensor; the prefix is then the whole name.
  public let isUnused: Bool
  /// How other layouts know the tensors; nil where they go by their stored names alone.
  public let shared: SharedNames?

  /// Whether the tensors are of a head in place of the one for language, or beside it.
  public var isHead: Bool { OtherHead.owns(prefix) }

  /// Whether the prefix is the whole name.
  var isWholeName: Bool { same != nil || isUnused }
}
