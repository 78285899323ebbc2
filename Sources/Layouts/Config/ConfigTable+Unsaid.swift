import Canonical

extension ConfigTable {
  /// Facts that the layout cannot express: the keys, each with the facts that it would have to state.
  func unsaid(_ configuration: ModelConfiguration) -> [UnsaidFacts] {
    let layers = LayerFacts(layers: configuration.layers.map(\.values), predictions: 0)
    let facts = ModelFacts(configuration)
    return entries.flatMap { entry -> [UnsaidFacts] in
      if let rule = entry.layerRule { return rule.unsaid(stated(layers, by: rule)) }
      guard let facts = facts.facts(for: entry), entry.rule.cannotSay(facts) else {
        return []
      }
      return [UnsaidFacts(key: entry.key, facts: facts.only(entry.facts), layer: nil)]
    }
  }
}
