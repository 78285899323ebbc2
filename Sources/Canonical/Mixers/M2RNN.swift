/// An M²RNN mixer: a nonlinear recurrence with a matrix-valued state (arXiv 2603.14360).
///
/// Maths letters as in the paper: `K` and `V` head dims, `N` heads, and `Nq`, `Nk`, `Nv`, `Nf`, `Ng`,
/// `Nw` the heads of queries, keys, values, forget gate, output gate and state weight. Head n uses
/// group `n / (N / count)` of each.
public struct M2RNN: FactRecord {
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
  /// The norm over all N·V outputs; nil for none.
  public var norm: NormKind?
  /// Within which bounds a trainer clips the gradient of the state at every position; nil for none.
  public var gradientClipping: Double? = 1
  /// How a trainer draws a fresh decay gate.
  public var initialisation = DecayInitialisation()

  /// A layer without sizes yet.
  public init() {}

  /// The facts of the layer.
  public static let facts: [Fact<M2RNN>] =
    [
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
      .number("m2rnn.gradient_clipping", \.gradientClipping),
      .number("m2rnn.A_init_min", \.initialisation.aMinimum),
      .number("m2rnn.A_init_max", \.initialisation.aMaximum),
      .number("m2rnn.dt_init_min", \.initialisation.dtMinimum),
      .number("m2rnn.dt_init_max", \.initialisation.dtMaximum),
      .number("m2rnn.dt_init_floor", \.initialisation.dtFloor),
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
}

/// The ranges from which a trainer draws a fresh decay gate.
public struct DecayInitialisation: Hashable, Sendable {
  /// The lower end of A.
  public var aMinimum = 0.0
  /// The upper end of A.
  public var aMaximum = 16.0
  /// The lower end of dt.
  public var dtMinimum = 0.001
  /// The upper end of dt.
  public var dtMaximum = 0.1
  /// The least dt.
  public var dtFloor = 1e-4

  /// lm-engine's defaults.
  public init() {}
}
