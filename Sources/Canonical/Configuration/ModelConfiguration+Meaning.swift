extension ModelConfiguration {
  /// The facts in which another configuration means another function.
  public func disagreements(with other: ModelConfiguration) -> [FactComparison] {
    comparison(with: other).filter { !$0.agrees }
  }

  /// Every fact that decides what either configuration computes.
  ///
  /// Defaults are resolved first, and facts that decide nothing (of initialisation, of RoPE in a model
  /// without it, of which norms are stored zero-centred) are left out. Of a layer with another kind of
  /// mixer only the kind is compared. The base of RoPE is one fact of the model unless layers differ in it.
  public func comparison(with other: ModelConfiguration) -> [FactComparison] {
    var rows = Self.compare(meaning, other.meaning, layer: nil)
    let samePosition = !rows.contains { $0.fact == "position" && !$0.agrees }
    if !samePosition {
      rows.removeAll { $0.fact.hasPrefix("rope.") }
    }
    if rows.contains(where: { $0.fact == "rope.scaling" && !$0.agrees }) {
      rows.removeAll { RopeScaling.options.contains($0.fact) }
    }
    for (layer, pair) in zip(layers, other.layers).enumerated() {
      let here = meaning(of: pair.0)
      let there = other.meaning(of: pair.1)
      rows += Self.compare(here, there, layer: layer).filter { row in
        let isMoot =
          FactNames.mixer.contains(row.fact) && here["mixer"] != there["mixer"]
          || row.fact.hasPrefix("moe.") && here["mlp"] != there["mlp"]
          || row.fact.hasPrefix("ngram.") && here["ngram"] != there["ngram"]
          || row.fact == "attention.rope" && !samePosition
        return !isMoot
      }
    }
    let differs = max(ropeThetas.count, other.ropeThetas.count) > 1
    rows.removeAll { differs ? $0.fact == "rope.theta" : $0.fact.hasSuffix(".rope_theta") }
    return rows
  }

  private static func compare(_ here: Facts, _ there: Facts, layer: Int?) -> [FactComparison] {
    Set(here.keys).union(there.keys).sorted().map { name in
      FactComparison(
        fact: name, layer: layer, here: here[name] ?? .none, there: there[name] ?? .none)
    }
  }

  /// The facts of the model that decide what it computes.
  public var meaning: Facts { meaning(in: surroundings) }

  /// The facts of a layer that decide what it computes; among them the dims that RoPE rotates, where
  /// they are no fact of the model.
  private func meaning(of layer: LayerConfiguration) -> Facts {
    var facts = layer.meaning(in: surroundings)
    if case .attention(let attention) = layer.mixer, rotation(of: layer) != nil, ropeDims.count > 1
    {
      facts["rope.dim"] = .integer(ropeDim(of: attention))
    }
    return facts
  }

  /// The numbers of dims that RoPE rotates in any layer.
  var ropeDims: Set<Int> { Set(rotating.map(ropeDim(of:))) }

  /// Whether RoPE acts in any layer.
  var rotates: Bool { layers.contains { rotation(of: $0) != nil } }

  /// Whether RoPE acts in any layer, with frequencies stretched by YaRN.
  var rotatesByYaRN: Bool { rotates && ropeScaling.kind == .yarn }

  /// Whether RoPE acts in a layer with latent attention, whose scores YaRN scales, too.
  var rotatesLatently: Bool {
    layers.contains { layer in
      if case .mla(let mla) = layer.mixer {
        mla.rotates && rotation(of: layer) != nil
      } else {
        false
      }
    }
  }

  /// Whether RoPE rotates all dims of every head.
  var rotatesWholeHeads: Bool { rotating.allSatisfy { $0.headDim == ropeDim } }
}
