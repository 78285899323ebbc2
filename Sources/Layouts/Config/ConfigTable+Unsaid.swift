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
    let facts = configuration.layers.map(\.values)
    return entries.flatMap { entry -> [UnsaidFacts] in
      let layers = stated(facts, by: entry)
      switch entry.meaning {
      case .list(let words, _, let form):
        if form == .interval, entry.list(for: layers) == nil {
          return [
            UnsaidFacts(
              key: entry.key, facts: ["mixer": .word("in no regular interval")], layer: nil)
          ]
        }
        return layers.indices.flatMap { unsaid(entry.key, words.map(\.facts), layers[$0], $0) }
      case .groups(let groups):
        let kinds = [groups.kind.set, groups.others]
        return layers.indices.flatMap { unsaid(entry.key, kinds, layers[$0], $0) }
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
        guard let facts = self.facts(for: entry, in: configuration), entry.cannotSay(facts) else {
          return []
        }
        return [UnsaidFacts(key: entry.key, facts: facts.only(entry.facts), layer: nil)]
      }
    }
  }

  /// What keeps a layer from being any of some kinds: the facts in which it differs from the nearest.
  private func unsaid(_ key: String, _ kinds: [Facts], _ layer: Facts, _ index: Int)
    -> [UnsaidFacts]
  {
    let kind = kinds.min { $0.distance(to: layer) < $1.distance(to: layer) }
    guard let nearest = kind?.disagreements(with: layer), !nearest.isEmpty else { return [] }
    return [UnsaidFacts(key: key, facts: layer.only(nearest), layer: index)]
  }
}

extension Facts {
  /// The facts of some names only.
  fileprivate func only(_ names: Set<String>) -> Facts { filter { names.contains($0.key) } }
}
