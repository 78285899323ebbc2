/// An M²RNN mixer: a nonlinear recurrence with a matrix-valued state (arXiv 2603.14360).
///
/// Maths letters as in the paper: `K` and `V` head dims, `N` heads, and `Nq`, `Nk`, `Nv`, `Nf`, `Ng`,
/// `Nw` the heads of queries, keys, values, forget gate, output gate and state weight. Head n uses
/// group `n / (N / count)` of each.
public struct M2RNN: FactRecord {
  /// The eps of the output norm, which lm-engine does not take from the config.
  public static let normEpsilon = 1e-5

  public var keyDim = 0
  public var valueDim = 0
  public var queryHeads = 0
  public var keyHeads = 0
  public var valueHeads = 0
  public var forgetHeads = 0
  public var gateHeads = 0
  public var weightHeads = 0
  /// Whether `v ⊙ D` is added to the output.
  public var hasResidual = false
  /// The number of taps of the causal convolution; 0 for none.
  public var taps = 0
  /// The activation after the convolution.
  public var activation = Activation.identity
  /// Whether the input projection and the convolution have biases.
  public var hasBias = false
  public var norm: NormKind?
  public var initialisation = DecayInitialisation()

  public init() {}

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
  public var aMinimum = 0.0
  public var aMaximum = 16.0
  public var dtMinimum = 0.001
  public var dtMaximum = 0.1
  public var dtFloor = 1e-4

  /// lm-engine's defaults.
  public init() {}
}
