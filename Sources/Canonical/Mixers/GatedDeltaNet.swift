/// A Gated DeltaNet mixer.
///
/// Maths letters: `nk`/`nv` key/value heads, `dk`/`dv` their dims, `taps` the convolution kernel.
/// Value head h reads key head `h / (nv / nk)`.
public struct GatedDeltaNet: MixerRecord {
  /// Where the output gate `act(z)` acts.
  public enum Gate: String, CaseIterable, Sendable {
    case none
    /// `norm(o ⊙ act(z))`, as in lm-engine.
    case beforeNorm = "before_norm"
    /// `norm(o) ⊙ act(z)`, as in Hugging Face and fla.
    case afterNorm = "after_norm"
  }

  static let kind = "gdn"
  static let mark = "G"
  static let groupedHeads: GroupedHeads? = GroupedHeads(heads: "nv", groups: "nk", perGroup: "r")

  /// nk, the heads of queries and keys.
  public var keyHeads = 0
  /// nv, the heads of values.
  public var valueHeads = 0
  /// dk, the head dim of queries and keys.
  public var keyDim = 0
  /// dv, the head dim of values.
  public var valueDim = 0
  /// The number of taps of the causal convolution; 0 for none.
  public var taps = 0
  /// The activation after the convolution.
  public var activation = Activation.silu
  /// Where the output gate acts.
  public var gate = Gate.none
  /// The activation of the output gate.
  public var gateActivation = Activation.silu
  /// What queries are multiplied with after normalisation; nil for `dk^-0.5`.
  public var scale: Double?
  /// Whether beta reaches 2, which allows negative eigenvalues of the state transition.
  public var allowsNegativeEigenvalues = false
  /// The eps of the output norm; nil for that of the model's norms.
  public var normEpsilon: Double?
  /// The eps under the root that brings queries and keys to unit length; nil for 1e-6.
  public var lengthEpsilon: Double?

  /// A layer without sizes yet.
  public init() {}

  /// The facts of the layer.
  public static let facts: [Fact<GatedDeltaNet>] = [
    .integer("gdn.k_heads", \.keyHeads),
    .integer("gdn.v_heads", \.valueHeads),
    .integer("gdn.k_head_dim", \.keyDim),
    .integer("gdn.v_head_dim", \.valueDim),
    .integer("gdn.taps", \.taps),
    .word("gdn.activation", \.activation),
    .word("gdn.gate", \.gate),
    .word("gdn.gate_activation", \.gateActivation).meaning(where: { $0.gate != .none }),
    .number("gdn.scale", \.scale).meaning { mixer, _ in .number(mixer.queryScale) },
    .flag("gdn.negative_eigenvalues", \.allowsNegativeEigenvalues),
    .number("gdn.norm_eps", \.normEpsilon).meaning { mixer, model in
      .number(mixer.normEpsilon ?? model.normEpsilon)
    },
    .number("gdn.length_eps", \.lengthEpsilon).meaning { mixer, _ in
      .number(mixer.unitEpsilon)
    },
  ]

  static let roles: [RoleRule<GatedDeltaNet>] = [
    RoleRule("q", ["nk*dk", "H"], .quantised, shows: [.projections]),
    RoleRule("k", ["nk*dk", "H"], .quantised),
    RoleRule("v", ["nv*dv", "H"], .quantised),
    RoleRule("z", ["nv*dv", "H"], .quantised) { $0.gate != .none },
    RoleRule("b", ["nv", "H"], shows: [.gates]),
    RoleRule("a", ["nv", "H"]),
    RoleRule("conv.q", ["nk*dk", "taps"], shows: [.convolution]) { $0.taps > 0 },
    RoleRule("conv.k", ["nk*dk", "taps"]) { $0.taps > 0 },
    RoleRule("conv.v", ["nv*dv", "taps"]) { $0.taps > 0 },
    RoleRule("A_log", ["nv"], .logarithm, shows: [.valueHeads, .decay]),
    RoleRule("dt_bias", ["nv"]),
    RoleRule("norm", ["dv"], .norm),
    RoleRule("o", ["H", "nv*dv"], .quantised),
  ]

  /// What queries are multiplied with after normalisation.
  public var queryScale: Double { scale ?? 1 / Double(keyDim).squareRoot() }

  /// The eps under the root that brings queries and keys to unit length.
  public var unitEpsilon: Double { lengthEpsilon ?? 1e-6 }

  /// The number of channels of the convolution: queries, keys, values.
  public var channels: Int { 2 * keyHeads * keyDim + valueHeads * valueDim }

  var symbols: [String: Int] {
    [
      "nk": keyHeads, "nv": valueHeads, "dk": keyDim, "dv": valueDim, "taps": taps,
      "r": keyHeads > 0 ? valueHeads / keyHeads : 0,
    ]
  }

  var summary: String { "\(keyHeads)/\(valueHeads), k \(keyDim), v \(valueDim)" }

  /// The cost of the mixer in a model of the given width.
  ///
  /// Recurrence: decay, `kᵀS`, rank-one update and `qᵀS` take 7 operations per state value.
  public func cost(hidden: Int) -> LayerCost {
    let values = valueHeads * valueDim
    let rows = channels + 2 * valueHeads + (gate == .none ? 0 : values)
    let state = valueHeads * keyDim * valueDim
    return LayerCost(
      parameters: parameters(hidden: hidden), stateValues: state,
      convolutionValues: max(taps - 1, 0) * channels, stateValuesPerPosition: 0,
      flopsPerToken: 2 * (rows + values) * hidden + 2 * channels * taps + 7 * state)
  }

  func disagreements(in model: Surroundings) -> [(what: String, found: String)] {
    guard keyHeads > 0, valueHeads > 0, keyDim > 0, valueDim > 0 else {
      return [
        ("gdn needs heads and head dims", "\(keyHeads)/\(valueHeads) of \(keyDim)/\(valueDim)")
      ]
    }
    guard valueHeads % keyHeads == 0 else {
      return [("gdn.k_heads must divide gdn.v_heads", "\(keyHeads), \(valueHeads)")]
    }
    return [("gdn.norm_eps", normEpsilon), ("gdn.length_eps", lengthEpsilon)].compactMap {
      guard let epsilon = $1, epsilon < 0 else { return nil }
      return ("\($0) must not be negative", "\(epsilon)")
    }
  }
}
