/// An M²RNN mixer: a nonlinear recurrence with a matrix-valued state (arXiv 2603.14360).
///
/// Maths letters as in the paper: `K` and `V` head dims, `N` heads, and `Nq`, `Nk`, `Nv`, `Nf`, `Ng`,
/// `Nw` the heads of queries, keys, values, forget gate, output gate and state weight. Head n uses
/// group `n / (N / count)` of each.
public struct M2RNN: MixerRecord {
  static let kind = "m2rnn"
  static let mark = "M"
  static let isMadeBySplices = true

  /// The eps of the output norm, which lm-engine does not take from the config.
  public static let normEpsilon = 1e-5

  /// K, the head dim of queries and keys.
  public var keyDim = 0
  /// V, the head dim of values.
  public var valueDim = 0
  /// Nq, the heads of queries.
  public var queryHeads = 0
  /// Nk, the heads of keys.
  public var keyHeads = 0
  /// Nv, the heads of values.
  public var valueHeads = 0
  /// Nf, the heads of the forget gate.
  public var forgetHeads = 0
  /// Ng, the heads of the output gate.
  public var gateHeads = 0
  /// Nw, the heads of the state weight.
  public var weightHeads = 0
  /// Whether `v ⊙ D` is added to the output.
  public var hasResidual = false
  /// The number of taps of the causal convolution; 0 for none.
  public var taps = 0
  /// The activation after the convolution.
  public var activation = Activation.identity
  /// Whether the input projection and the convolution have biases.
  public var hasBias = false
  /// The norm over all N·V outputs; nil where there is no norm.
  public var norm: NormKind?
  /// Within which bounds a trainer clips the gradient of the state at every position; nil where it does not.
  public var gradientClipping: Double? = 1
  /// How a trainer draws a fresh decay gate.
  public var initialisation = DecayInitialisation()

  /// A layer without sizes yet.
  public init() {}

  /// The facts of the layer.
  public static let facts: [Fact<M2RNN>] = [
    .integer("m2rnn.k_head_dim", \.keyDim),
    .integer("m2rnn.v_head_dim", \.valueDim),
    .integer("m2rnn.q_heads", \.queryHeads),
    .integer("m2rnn.k_heads", \.keyHeads),
    .integer("m2rnn.v_heads", \.valueHeads),
    .integer("m2rnn.f_heads", \.forgetHeads),
    .integer("m2rnn.g_heads", \.gateHeads),
    .integer("m2rnn.weight_heads", \.weightHeads),
    .flag("m2rnn.residual", \.hasResidual),
    .integer("m2rnn.taps", \.taps),
    .word("m2rnn.activation", \.activation),
    .flag("m2rnn.bias", \.hasBias),
    .word("m2rnn.norm", \.norm),
    .number("m2rnn.gradient_clipping", \.gradientClipping).withoutMeaning,
    .number("m2rnn.A_init_min", \.initialisation.aMinimum).withoutMeaning,
    .number("m2rnn.A_init_max", \.initialisation.aMaximum).withoutMeaning,
    .number("m2rnn.dt_init_min", \.initialisation.dtMinimum).withoutMeaning,
    .number("m2rnn.dt_init_max", \.initialisation.dtMaximum).withoutMeaning,
    .number("m2rnn.dt_init_floor", \.initialisation.dtFloor).withoutMeaning,
  ]

  static let roles: [RoleRule<M2RNN>] = [
    RoleRule("q", ["Nq*K", "H"]),
    RoleRule("q.bias", ["Nq*K"]) { $0.hasBias },
    RoleRule("k", ["Nk*K", "H"]),
    RoleRule("k.bias", ["Nk*K"]) { $0.hasBias },
    RoleRule("v", ["Nv*V", "H"]),
    RoleRule("v.bias", ["Nv*V"]) { $0.hasBias },
    RoleRule("f", ["Nf", "H"]),
    RoleRule("f.bias", ["Nf"]) { $0.hasBias },
    RoleRule("g", ["Ng*V", "H"]),
    RoleRule("g.bias", ["Ng*V"]) { $0.hasBias },
    RoleRule("conv.q", ["Nq*K", "taps"]) { $0.taps > 0 },
    RoleRule("conv.q.bias", ["Nq*K"]) { $0.taps > 0 && $0.hasBias },
    RoleRule("conv.k", ["Nk*K", "taps"]) { $0.taps > 0 },
    RoleRule("conv.k.bias", ["Nk*K"]) { $0.taps > 0 && $0.hasBias },
    RoleRule("conv.v", ["Nv*V", "taps"]) { $0.taps > 0 },
    RoleRule("conv.v.bias", ["Nv*V"]) { $0.taps > 0 && $0.hasBias },
    RoleRule("conv.slope", ["1"]) { $0.activation == .prelu },
    RoleRule("A_log", ["N"], .logarithm),
    RoleRule("dt_bias", ["N"]),
    RoleRule("W", ["Nw", "V", "V"]),
    RoleRule("D", ["N", "V"], .ones) { $0.hasResidual },
    RoleRule("norm", ["N*V"], .norm) { $0.norm != nil },
    RoleRule("norm.bias", ["N*V"]) { $0.norm == .layernorm },
    RoleRule("o", ["H", "Ng*V"]),
  ]

  /// The number of heads of the recurrence.
  public var heads: Int {
    max(queryHeads, keyHeads, valueHeads, forgetHeads, weightHeads)
  }

  /// The number of channels of the convolution: queries, keys, values.
  public var channels: Int { (queryHeads + keyHeads) * keyDim + valueHeads * valueDim }

  var symbols: [String: Int] {
    [
      "N": heads, "Nq": queryHeads, "Nk": keyHeads, "Nv": valueHeads, "Nf": forgetHeads,
      "Ng": gateHeads, "Nw": weightHeads, "K": keyDim, "V": valueDim, "taps": taps,
    ]
  }

  var summary: String { "\(heads), k \(keyDim), v \(valueDim)" }

  /// The cost of the mixer in a model of the given width.
  ///
  /// Recurrence: `S W` takes 2V operations per state value; `k vᵀ`, tanh, the gate and `qᵀS` 8 more.
  public func cost(hidden: Int) -> LayerCost {
    let rows = channels + forgetHeads + gateHeads * valueDim
    let weights = rows * hidden + hidden * gateHeads * valueDim
    let state = heads * keyDim * valueDim
    return LayerCost(
      parameters: parameters(hidden: hidden), stateValues: state,
      convolutionValues: max(taps - 1, 0) * channels, stateValuesPerPosition: 0,
      flopsPerToken: 2 * weights + 2 * channels * taps + (2 * valueDim + 8) * state)
  }

  func disagreements(in model: Surroundings) -> [(what: String, found: String)] {
    let groups = [
      ("q", queryHeads), ("k", keyHeads), ("v", valueHeads), ("f", forgetHeads),
      ("weight", weightHeads),
    ]
    var found: [(String, String)] = []
    for (name, count) in groups where count < 1 || heads % count != 0 {
      found.append(("m2rnn.\(name)_heads must divide the number of heads", "\(count), \(heads)"))
    }
    if gateHeads != heads {
      found.append(("m2rnn.g_heads must equal the number of heads", "\(gateHeads), \(heads)"))
    }
    if keyDim < 1 || valueDim < 1 {
      found.append(("m2rnn needs head dims", "\(keyDim), \(valueDim)"))
    }
    if taps == 0, activation != .identity {
      found.append(("m2rnn.activation needs a convolution", activation.rawValue))
    }
    return found
  }
}

/// The ranges from which a trainer draws a fresh decay gate.
public struct DecayInitialisation: Hashable, Sendable {
  /// The lower end of the range from which a trainer draws A.
  public var aMinimum = 0.0
  /// The upper end of the range from which a trainer draws A.
  public var aMaximum = 16.0
  /// The lower end of the range from which a trainer draws dt.
  public var dtMinimum = 0.001
  /// The upper end of the range from which a trainer draws dt.
  public var dtMaximum = 0.1
  /// The least dt that a trainer takes.
  public var dtFloor = 1e-4

  /// lm-engine's defaults.
  public init() {}
}
