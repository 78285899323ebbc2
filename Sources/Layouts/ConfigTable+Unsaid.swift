import Canonical

/// A fact, or several, for which a layout has no words.
public struct UnsaidFacts: Hashable, Sendable {
  /// The config key that would state them.
  public let key: String
  /// The facts.
  public let facts: Facts
  /// The layer, for facts of one layer.
  public let layer: Int?
}

extension ConfigTable {
  /// What the layout has no words for: keys with the facts they would have to state.
  func unsaid(_ configuration: ModelConfiguration) -> [UnsaidFacts] {
    let layers = configuration.layers.map(\.values)
    return entries.flatMap { entry -> [UnsaidFacts] in
      switch entry.meaning {
      case .list(let words, _, let onlyInterval):
        if onlyInterval, entry.list(for: layers) == nil {
          return [
            UnsaidFacts(
              key: entry.key, facts: ["mixer": .word("in no regular interval")], layer: nil)
          ]
        }
        return layers.indices.filter { layer in
          !words.contains { $0.facts.agree(with: layers[layer]) }
        }.map { UnsaidFacts(key: entry.key, facts: layers[$0].only(entry.facts), layer: $0) }
      case .blocks(_, let kinds):
        return layers.indices.flatMap { layer -> [UnsaidFacts] in
          guard let kind = kinds.first(where: { $0.kind.set.agree(with: layers[layer]) })?.kind
          else {
            return [
              UnsaidFacts(key: entry.key, facts: layers[layer].only(["mixer"]), layer: layer)
            ]
          }
          return kind.entries.filter { $0.cannotSay(layers[layer]) }
            .map { UnsaidFacts(key: $0.key, facts: layers[layer].only($0.facts), layer: layer) }
        }
      default:
        let facts =
          entry.isForLayers ? layerFacts(entry, configuration) : configuration.values
        guard let facts, entry.cannotSay(facts) else { return [] }
        return [UnsaidFacts(key: entry.key, facts: facts.only(entry.facts), layer: nil)]
      }
    }
  }
}

extension Facts {
  /// The facts of some names only.
  fileprivate func only(_ names: Set<String>) -> Facts { filter { names.contains($0.key) } }
}
