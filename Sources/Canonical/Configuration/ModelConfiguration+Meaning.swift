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

extension ModelConfiguration {
  /// The facts in which another configuration means another function.
  public func disagreements(with other: ModelConfiguration) -> [FactComparison] {
    comparison(with: other).filter { !$0.agrees }
  }

  /// Every fact that decides what either configuration computes.
  ///
  /// Defaults are resolved first, and facts that decide nothing (of initialisation, of RoPE in a model
  /// without it, of which norms are stored zero-centred) are left out. Of a layer whose mixer is another
  /// one, only that is told. The base of RoPE is one fact of the model unless layers differ in it.
  public func comparison(with other: ModelConfiguration) -> [FactComparison] {
    var rows = Self.compare(meaning, other.meaning, layer: nil)
    if rows.contains(where: { $0.fact == "position" && !$0.agrees }) {
      rows.removeAll { $0.fact.hasPrefix("rope.") }
    }
    if rows.contains(where: { $0.fact == "rope.scaling" && !$0.agrees }) {
      rows.removeAll { RopeScaling.options.contains($0.fact) }
    }
    for (layer, pair) in zip(layers, other.layers).enumerated() {
      let here = pair.0.meaning(in: self)
      let there = pair.1.meaning(in: other)
      rows += Self.compare(here, there, layer: layer).filter { row in
        let isMoot =
          FactNames.mixer.contains(row.fact) && here["mixer"] != there["mixer"]
          || row.fact.hasPrefix("moe.") && here["mlp"] != there["mlp"]
        return !isMoot
      }
    }
    let differs = max(ropeThetas.count, other.ropeThetas.count) > 1
    rows.removeAll { $0.fact == (differs ? "rope.theta" : "attention.rope_theta") }
    return rows
  }

  private static func compare(_ here: Facts, _ there: Facts, layer: Int?) -> [FactComparison] {
    Set(here.keys).union(there.keys).sorted().map { name in
      FactComparison(
        fact: name, layer: layer, here: here[name] ?? .none, there: there[name] ?? .none)
    }
  }

  /// The numbers of dims that RoPE rotates in any layer.
  fileprivate var ropeDims: Set<Int> { Set(attentions.map(ropeDim(of:))) }

  /// The facts of the model that decide what it computes.
  public var meaning: Facts {
    var facts = values
    for name in [
      "norm.zero_centred", "rope.fraction", "rope.sections", "init.method", "init.range",
      "init.depth_scaled", "mtp.layers", "rope.sections_cover", "rope.fitted_sections",
      "rope.in_pairs",
    ] {
      facts[name] = nil
    }
    if position != .learned { facts["positions"] = nil }
    let headDims = attentions.map(\.headDim)
    if position == .rope, headDims.isEmpty { facts["position"] = .word("none") }
    if position != .rope || headDims.isEmpty {
      for name in facts.keys where name.hasPrefix("rope.") { facts[name] = nil }
      return facts
    }
    if headDims.allSatisfy({ $0 == ropeDim }) { facts["rope.side"] = nil }
    if ropeDims.count > 1 { facts["rope.dim"] = nil }
    return ropeScaling.meaning(of: facts)
  }
}

extension LayerConfiguration {
  /// The facts of the layer that decide what it computes, defaults resolved.
  fileprivate func meaning(in model: ModelConfiguration) -> Facts {
    var facts = values
    switch mixer {
    case .attention(let attention):
      facts["attention.scale"] = .number(attention.scoreScale)
      facts["attention.scale_rule"] = nil
      if model.position == .rope, model.ropeDims.count > 1 {
        facts["rope.dim"] = .integer(model.ropeDim(of: attention))
      }
    case .gatedDeltaNet(let gdn):
      facts["gdn.scale"] = .number(gdn.queryScale)
      facts["gdn.norm_eps"] = .number(gdn.normEpsilon ?? model.normEpsilon)
      facts["gdn.length_eps"] = .number(gdn.unitEpsilon)
    case .m2rnn, .carried: break
    }
    for name in facts.keys where name.contains("_init_") { facts[name] = nil }
    facts["m2rnn.gradient_clipping"] = nil
    if feedForward.kind == .dense {
      for name in facts.keys where name.hasPrefix("moe.") { facts[name] = nil }
    }
    return facts
  }
}
