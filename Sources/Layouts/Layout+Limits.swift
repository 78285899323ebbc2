import Canonical
import Diagnostics

extension LayoutLimit {
  /// The facts that a model breaks the limit with, layer by layer; none where it keeps it.
  fileprivate func brokenFacts(_ configuration: ModelConfiguration) -> [FactComparison] {
    guard let holds else { return [] }
    let layers = configuration.factsByLayer
    let broken = layers.indices.filter { scope.holds(layers[$0]) && !holds.holds(layers[$0]) }
    return (shown.isEmpty ? holds.facts : shown).flatMap { name -> [FactComparison] in
      let places: [Int?] = FactNames.layer.contains(name) ? broken : Array(broken.prefix(1))
      return places.map { layer in
        FactComparison(
          fact: name, layer: FactNames.layer.contains(name) ? layer : nil,
          here: layer.flatMap { layers[$0][name] } ?? .none, there: .none)
      }
    }
  }
}

extension Layout {
  /// The facts of a model with which it breaks limits of the layout.
  public func brokenFacts(_ configuration: ModelConfiguration) -> [FactComparison] {
    limits.flatMap { $0.brokenFacts(configuration) }
  }

  /// What can be done where a layout does not hold a model.
  public static let remedy = "graft convert SRC --explain says which layouts hold this model"

  /// What readers of the layout would refuse or misread in a model, each with the reason.
  public func breaches(_ configuration: ModelConfiguration) -> [Problem] {
    limits.compactMap { limit in
      limit.breach(configuration).map { what, found in
        Problem(
          .unsupported, "layout \(id) cannot hold this model: \(limit.reason)", expected: what,
          found: found, remedy: limit.remedy ?? Self.remedy)
      }
    }
  }
}
