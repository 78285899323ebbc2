/// A Gated DeltaNet mixer.
///
/// Maths letters: `nk`/`nv` key/value heads, `dk`/`dv` their dims, `taps` the convolution kernel.
/// Value head h reads key head `h / (nv / nk)`.
public struct GatedDeltaNet: FactRecord {
  /// Where the output gate `silu(z)` acts.
  public enum Gate: String, Sendable {
    case none
    /// `norm(o ⊙ silu(z))`, as in lm-engine.
    case beforeNorm = "before_norm"
    /// `norm(o) ⊙ silu(z)`, as in Hugging Face and fla.
    case afterNorm = "after_norm"
  }

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
    .number("gdn.scale", \.scale),
    .flag("gdn.negative_eigenvalues", \.allowsNegativeEigenvalues),
    .number("gdn.norm_eps", \.normEpsilon),
    .number("gdn.length_eps", \.lengthEpsilon),
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
}
