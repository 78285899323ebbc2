import Canonical

/// Random options of models, for laws that must hold for every model.
package enum SampleFacts {
  package static func facts(_ generator: inout some RandomNumberGenerator) -> Facts {
    var model: Facts = [
      "vocabulary": .integer(pick(5...20, &generator)),
      "hidden": .integer(2 * pick(2...6, &generator)),
      "positions": .integer(pick(4...9, &generator)),
      "tied": .flag(Bool.random(using: &generator)),
      "norm": .word(any(["rmsnorm", "layernorm"], &generator)),
      "norm.eps": .number(any([1e-5, 1e-6, 0.3], &generator)),
      "position": .word(any(["none", "learned", "rope"], &generator)),
      "rope.dim": .integer(2), "rope.side": .word("last"),
      "rope.theta": .number(any([10_000, 500_000], &generator)),
      "embedding.scale": .number(any([1, 12], &generator)),
      "logits.divisor": .number(any([1, 8], &generator)),
      "residual.scale": .number(any([1, 0.22], &generator)),
      "init.depth_scaled": .flag(Bool.random(using: &generator)),
    ]
    if Bool.random(using: &generator) {
      model.merge([
        "rope.scaling": .word("yarn"), "rope.factor": .number(4),
        "rope.original_positions": .integer(32),
      ]) { $1 }
    }
    return model
  }

  /// The share of a head that is rotated; all of it where YaRN would rotate an odd number of dims.
  package static func share(of attention: Facts, _ model: Facts, _ wanted: Double) -> FactValue {
    let headDim = attention["attention.head_dim"]?.json.int ?? 0
    let isOdd = Int(Double(headDim) * wanted) % 2 != 0
    return .number(isOdd && model["rope.scaling"] == .word("yarn") ? 1 : wanted)
  }

  package static func streams(_ generator: inout some RandomNumberGenerator) -> Facts {
    [
      "hyper.streams": .integer(pick(2...4, &generator)),
      "hyper.rank": .integer(pick(1...5, &generator)),
    ]
  }

  /// Blocks of positions among which queries choose.
  package static func ngrams(_ generator: inout some RandomNumberGenerator) -> Facts {
    let (order, heads) = (pick(2...4, &generator), pick(1...3, &generator))
    return [
      "ngram": .flag(true), "ngram.size": .integer(order), "ngram.heads": .integer(heads),
      "ngram.dim": .integer((order - 1) * heads * pick(1...3, &generator)),
      "ngram.taps": .integer(pick(1...4, &generator)),
      "ngram.separator": .integer(pick(0...3, &generator)),
      "ngram.base": .integer(pick(3...20, &generator)),
      "ngram.seed": .integer(any([1234, 7], &generator)),
      "ngram.multiple": .integer(any([8, 128], &generator)),
      "ngram.parts": .integer(any([1, 4, 8], &generator)),
    ]
  }

  /// The mixers of a layout: one with positions or keys for each of them, and a delta rule.
  package static func mixers(of layout: Layout, _ generator: inout some RandomNumberGenerator)
    -> (attention: Facts, linear: Facts)
  {
    var plain = layout.stores("mla") ? latentAttention(&generator) : attention(&generator)
    if layout.stores("attention.index_q") { plain.merge(index(&generator)) { $1 } }
    if layout.states("attention.rope") {
      plain["attention.rope"] = .flag(Bool.random(using: &generator))
      let rotates = plain["attention.rope"] == .flag(true)
      plain["attention.window"] = rotates ? .integer(5) : FactValue.none
    }
    return (plain, layout.stores("kda") ? kimiDelta(&generator) : gatedDeltaNet(&generator))
  }

  package static func feedForward(_ generator: inout some RandomNumberGenerator) -> Facts {
    var facts: Facts = [
      "mlp.intermediate": .integer(pick(1...5, &generator)),
      "mlp.activation": .word(any(["silu", "gelu", "prelu", "relu"], &generator)),
      "mlp.gated": .flag(true), "mlp.bias": .flag(Bool.random(using: &generator)),
    ]
    if Bool.random(using: &generator) {
      facts["mlp.gated"] = .flag(false)
      facts["mlp.activation"] = .word(any(["relu_squared", "tanh_shrink", "prelu"], &generator))
    }
    guard Bool.random(using: &generator) else { return facts }
    let experts = pick(1...4, &generator)
    let shared = pick(0...3, &generator)
    return facts.merging([
      "mlp": .word("moe"), "moe.experts": .integer(experts),
      "moe.experts_per_token": .integer(pick(1...experts, &generator)),
      "moe.router": .word(any(["topk_softmax", "softmax_topk"], &generator)),
      "moe.shared_intermediate": .integer(shared),
      "moe.shared_gate": .flag(shared > 0 && Bool.random(using: &generator)),
    ]) { $1 }
  }

  /// The same as a layout's routers choose.
  package static func feedForward(
    _ generator: inout some RandomNumberGenerator, in layout: Layout
  ) -> Facts {
    let facts = feedForward(&generator)
    guard layout.choosesBySigmoid, facts["mlp"] == .word("moe") else { return facts }
    return facts.merging(choice(&generator)) { $1 }
  }

  /// Groups of experts and what else a router with sigmoids may have; of no meaning to other routers.
  package static func choice(_ generator: inout some RandomNumberGenerator) -> Facts {
    let (groups, size) = (pick(1...3, &generator), pick(2...3, &generator))
    let kept = pick(1...groups, &generator)
    return [
      "moe.experts": .integer(groups * size), "moe.groups": .integer(groups),
      "moe.groups_per_token": .integer(kept),
      "moe.experts_per_token": .integer(pick(1...kept * size, &generator)),
      "moe.renormalise": .flag(Bool.random(using: &generator)),
      "moe.scale": .number(any([1, 2.5], &generator)),
    ]
  }

  package static func pick(_ range: ClosedRange<Int>, _ generator: inout some RandomNumberGenerator)
    -> Int
  {
    Int.random(in: range, using: &generator)
  }

  package static func any<Value>(
    _ values: [Value], _ generator: inout some RandomNumberGenerator
  ) -> Value {
    values[Int.random(in: values.indices, using: &generator)]
  }
}

extension Layout {
  /// Whether it has a place for the tensors of a kind of mixer.
  package func stores(_ mixer: String) -> Bool {
    tensors.contains { rule in
      rule.parts.contains { $0.role == mixer || $0.role.hasPrefix(mixer + ".") }
    }
  }

  /// Whether a key of its config states a fact.
  func states(_ fact: String) -> Bool { config.entries.contains { $0.facts.contains(fact) } }

  /// Whether the routers of its experts have sigmoids.
  package var choosesBySigmoid: Bool { layerSemantics["moe.router"] == .word("sigmoid") }
}
