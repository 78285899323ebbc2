import Canonical

extension SampleFacts {
  package static func mixer(_ generator: inout some RandomNumberGenerator) -> Facts {
    switch pick(0...2, &generator) {
    case 0: return attention(&generator)
    case 1: return gatedDeltaNet(&generator)
    default: return m2rnn(&generator)
    }
  }

  package static func attention(_ generator: inout some RandomNumberGenerator) -> Facts {
    let kvHeads = pick(1...3, &generator)
    let hasBias = Bool.random(using: &generator)
    return [
      "mixer": .word("attention"), "attention.kv_heads": .integer(kvHeads),
      "attention.heads": .integer(kvHeads * pick(1...3, &generator)),
      "attention.head_dim": .integer(2 * pick(1...3, &generator)),
      "attention.bias": .flag(hasBias), "attention.o_bias": .flag(hasBias),
      "attention.gate": .flag(Bool.random(using: &generator)),
      "attention.exclusive": .flag(Bool.random(using: &generator)),
      "attention.window": any([.none, .integer(1), .integer(5)], &generator),
      "attention.scale_rule": .word(any(["1/sqrt(hd)", "1/hd"], &generator)),
    ]
  }

  package static func gatedDeltaNet(_ generator: inout some RandomNumberGenerator) -> Facts {
    let keyHeads = pick(1...3, &generator)
    return [
      "mixer": .word("gdn"), "gdn.k_heads": .integer(keyHeads),
      "gdn.v_heads": .integer(keyHeads * pick(1...3, &generator)),
      "gdn.k_head_dim": .integer(pick(1...5, &generator)),
      "gdn.v_head_dim": .integer(pick(1...5, &generator)),
      "gdn.taps": .integer(pick(1...4, &generator)),
      "gdn.gate": .word(any(["none", "before_norm"], &generator)),
      "gdn.scale": any([.none, .number(0.5)], &generator),
      "gdn.negative_eigenvalues": .flag(Bool.random(using: &generator)),
    ]
  }

  package static func m2rnn(_ generator: inout some RandomNumberGenerator) -> Facts {
    let heads = any([1, 2, 4, 6], &generator)
    let divisors = (1...heads).filter { heads % $0 == 0 }
    let taps = pick(0...4, &generator)
    let activation = any(["silu", "identity", "prelu", "gelu_tanh"], &generator)
    var facts: Facts = [
      "mixer": .word("m2rnn"), "m2rnn.k_head_dim": .integer(pick(1...5, &generator)),
      "m2rnn.v_head_dim": .integer(pick(1...5, &generator)), "m2rnn.taps": .integer(taps),
      "m2rnn.activation": .word(taps == 0 ? "identity" : activation),
      "m2rnn.bias": .flag(Bool.random(using: &generator)),
      "m2rnn.residual": .flag(Bool.random(using: &generator)),
      "m2rnn.norm": any([.none, .word("rmsnorm"), .word("layernorm")], &generator),
      "m2rnn.v_heads": .integer(heads), "m2rnn.g_heads": .integer(heads),
      "m2rnn.gradient_clipping": any([.none, .number(1), .number(0.5)], &generator),
      "m2rnn.A_init_max": .number(any([16, 4.5], &generator)),
    ]
    for name in ["q", "k", "f", "weight"] {
      facts["m2rnn.\(name)_heads"] = .integer(any(divisors, &generator))
    }
    return facts
  }

  package static func kimiDelta(_ generator: inout some RandomNumberGenerator) -> Facts {
    [
      "mixer": .word("kda"), "kda.heads": .integer(pick(1...3, &generator)),
      "kda.head_dim": .integer(pick(1...6, &generator)),
      "kda.taps": .integer(pick(1...4, &generator)),
      "kda.low_rank": .flag(Bool.random(using: &generator)),
      "kda.safe_gate": .flag(Bool.random(using: &generator)),
      "kda.lower_bound": .number(any([-5, -2.5], &generator)),
    ]
  }

  package static func latentAttention(_ generator: inout some RandomNumberGenerator) -> Facts {
    [
      "mixer": .word("mla"), "mla.heads": .integer(pick(1...3, &generator)),
      "mla.k_head_dim": .integer(pick(1...5, &generator)),
      "mla.shared_dim": .integer(2 * pick(1...3, &generator)),
      "mla.v_head_dim": .integer(pick(1...5, &generator)),
      "mla.rank": .integer(pick(1...6, &generator)),
      "mla.q_rank": .integer(any([0, 3, 5], &generator)),
      "mla.bias": .flag(Bool.random(using: &generator)),
      "mla.gate": .flag(Bool.random(using: &generator)),
    ]
  }

  /// Several residual streams.

  package static func index(_ generator: inout some RandomNumberGenerator) -> Facts {
    let block = pick(1...5, &generator)
    return [
      "attention.index_heads": .integer(pick(1...4, &generator)),
      "attention.index_head_dim": .integer(6 + 2 * pick(0...2, &generator)),
      "attention.index_block": .integer(block),
      "attention.index_budget": .integer(block * pick(1...4, &generator)),
      "attention.window": .none,
    ]
  }

  /// N-gram embeddings of a layer.
}
