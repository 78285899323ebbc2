/// A Kimi Delta Attention mixer: Gated DeltaNet with a decay for each channel of the keys.
///
/// Maths letters: `n` heads of queries, keys and values, `d` their dim, `taps` the convolution kernel.
///
/// Source: transformers `models/kimi_linear` and `models/bailing_hybrid`.
public struct KimiDeltaAttention: MixerRecord {
  static let kind = "kda"
  static let mark = "K"

  /// n, the heads of queries, keys and values.
  public var heads = 0
  /// d, the head dim of queries, keys and values.
  public var headDim = 0
  /// The number of taps of the causal convolution; 0 for none.
  public var taps = 0
  /// The activation after the convolution.
  public var activation = Activation.silu
  /// Whether decay and output gate come from products of two matrices with d rows between them.
  public var isLowRank = false
  /// Whether a decay is `exp(bound · sigmoid(exp(A_log) · a))`, never below `exp(bound)`; else it is
  /// `exp(-exp(A_log) · softplus(a))`.
  public var hasSafeGate = false
  /// The bound of a safe gate.
  public var lowerBound = -5.0
  /// The eps of the output norm; nil for that of the model's norms.
  public var normEpsilon: Double?
  /// The eps under the root that brings queries and keys to unit length; nil for 1e-6.
  public var lengthEpsilon: Double?

  /// A layer without sizes yet.
  public init() {}

  /// The facts of the layer.
  public static let facts: [Fact<KimiDeltaAttention>] = [
    .integer("kda.heads", \.heads),
    .integer("kda.head_dim", \.headDim),
    .integer("kda.taps", \.taps),
    .word("kda.activation", \.activation),
    .flag("kda.low_rank", \.isLowRank),
    .flag("kda.safe_gate", \.hasSafeGate),
    .number("kda.lower_bound", \.lowerBound).meaning(where: \.hasSafeGate),
    .number("kda.norm_eps", \.normEpsilon).meaning { mixer, model in
      .number(mixer.normEpsilon ?? model.normEpsilon)
    },
    .number("kda.length_eps", \.lengthEpsilon).meaning { mixer, _ in .number(mixer.unitEpsilon) },
  ]

  static let roles: [RoleRule<KimiDeltaAttention>] = [
    RoleRule("q", ["n*d", "H"], .quantised, shows: [.projections]),
    RoleRule("k", ["n*d", "H"], .quantised),
    RoleRule("v", ["n*d", "H"], .quantised),
    RoleRule("b", ["n", "H"], shows: [.gates]),
    RoleRule("f", ["n*d", "H"], .quantised) { !$0.isLowRank },
    RoleRule("f_a", ["d", "H"], .quantised) { $0.isLowRank },
    RoleRule("f_b", ["n*d", "d"], .quantised) { $0.isLowRank },
    RoleRule("g", ["n*d", "H"], .quantised) { !$0.isLowRank },
    RoleRule("g_a", ["d", "H"], .quantised) { $0.isLowRank },
    RoleRule("g_b", ["n*d", "d"], .quantised) { $0.isLowRank },
    RoleRule("conv.q", ["n*d", "taps"], shows: [.convolution]) { $0.taps > 0 },
    RoleRule("conv.k", ["n*d", "taps"]) { $0.taps > 0 },
    RoleRule("conv.v", ["n*d", "taps"]) { $0.taps > 0 },
    RoleRule("A_log", ["n"], .logarithm, shows: [.decay]),
    RoleRule("dt_bias", ["n*d"]),
    RoleRule("norm", ["d"], .norm),
    RoleRule("o", ["H", "n*d"], .quantised),
  ]

  /// The eps under the root that brings queries and keys to unit length.
  public var unitEpsilon: Double { lengthEpsilon ?? 1e-6 }

  /// The number of channels of the convolution: queries, keys, values.
  public var channels: Int { 3 * heads * headDim }

  var symbols: [String: Int] { ["n": heads, "d": headDim, "taps": taps] }

  var summary: String { "\(heads) × \(headDim)" }

  /// The cost of the mixer in a model of the given width.
  ///
  /// Recurrence: decay, `kᵀS`, rank-one update and `qᵀS` take 7 operations per state value.
  public func cost(hidden: Int) -> LayerCost {
    let state = heads * headDim * headDim
    let learned = parameters(hidden: hidden)
    let vectors = heads + heads * headDim + headDim + channels * taps
    return LayerCost(
      parameters: learned, stateValues: state,
      convolutionValues: max(taps - 1, 0) * channels, stateValuesPerPosition: 0,
      flopsPerToken: 2 * (learned - vectors) + 2 * channels * taps + 7 * state)
  }

  func disagreements(in model: Surroundings) -> [(what: String, found: String)] {
    var found: [(String, String)] = []
    if heads < 1 || headDim < 1 {
      found.append(("kda needs heads and a head dim", "\(heads) of \(headDim)"))
    }
    if hasSafeGate, !(lowerBound < 0 && lowerBound.isFinite) {
      found.append(("kda.lower_bound must be negative", "\(lowerBound)"))
    }
    for (name, epsilon) in [("kda.norm_eps", normEpsilon), ("kda.length_eps", lengthEpsilon)] {
      guard let epsilon, epsilon < 0 else { continue }
      found.append(("\(name) must not be negative", "\(epsilon)"))
    }
    return found
  }
}
