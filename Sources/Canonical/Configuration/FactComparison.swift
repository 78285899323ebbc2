/// One fact of two configurations.
public struct FactComparison: Hashable, Sendable {
  /// The name of the fact.
  public let fact: String
  /// The layer, for a fact of a layer.
  public let layer: Int?
  /// The value here.
  public let here: FactValue
  /// The value there.
  public let there: FactValue

  /// A comparison from its parts.
  public init(fact: String, layer: Int?, here: FactValue, there: FactValue) {
    self.fact = fact
    self.layer = layer
    self.here = here
    self.there = there
  }

  /// Whether both values mean the same.
  public var agrees: Bool { here.means(there) }
}
