/// A multi-head latent attention mixer: keys and values of all heads come from one short vector.
///
/// Maths letters: `nh` heads, `dn` and `dr` the dims of a query without and with positions, `dv` those of a
/// value, `R` the dims of the vector, `Q` those of the vector that queries come from.
///
/// Source: transformers `models/kimi_linear` and `models/bailing_hybrid`, after arXiv 2405.04434.
public struct LatentAttention: MixerRecord {
  /// How RoPE rotates the last `dr` dims of a query and the key that heads share.
  public enum Rope: String, CaseIterable, Sendable {
    case none
    /// Neighbours: dims 0 and 1, 2 and 3.
    case pairs
    /// Dims of the first half with those of the second.
    case halves
  }

  static let kind = "mla"
  static let mark = "L"

  /// nh, the heads.
  public var heads = 0
  /// dn, the dims of a key that come from the vector.
  public var keyDim = 0
  /// dr, the dims of a key that all heads share.
  public var sharedDim = 0
  /// dv, the dims of a value.
  public var valueDim = 0
  /// R, the dims of the vector.
  public var rank = 0
  /// Q, the dims of the vector that queries come from; 0 where they come from the input itself.
  public var queryRank = 0
  /// Whether the projections that read the input, but for plain queries, and o have biases.
  public var hasBias = false
  /// Whether the output of each head is multiplied by `sigmoid(gate)`, one number for a head.
  public var hasGate = false
  /// How RoPE rotates.
  public var rope = Rope.none
  /// The base of RoPE frequencies; nil for that of the model, until a configuration is resolved.
  public var ropeTheta: Double?
  /// The eps of the norms of both vectors; nil for that of the model's norms.
  public var normEpsilon: Double?

  /// A layer without sizes yet.
  public init() {}

  /// The facts of the layer.
  public static let facts: [Fact<LatentAttention>] = [
    .integer("mla.heads", \.heads),
    .integer("mla.k_head_dim", \.keyDim),
    .integer("mla.shared_dim", \.sharedDim),
    .integer("mla.v_head_dim", \.valueDim),
    .integer("mla.rank", \.rank),
    .integer("mla.q_rank", \.queryRank),
    .flag("mla.bias", \.hasBias),
    .flag("mla.gate", \.hasGate),
    .word("mla.rope", \.rope).meaning { mixer, _ in
      .word((mixer.sharedDim > 0 ? mixer.rope : .none).rawValue)
    },
    .number("mla.rope_theta", \.ropeTheta).meaning(where: { $0.rotates }),
    .number("mla.norm_eps", \.normEpsilon).meaning { mixer, model in
      .number(mixer.normEpsilon ?? model.normEpsilon)
    },
  ]

  static let roles: [RoleRule<LatentAttention>] = [
    RoleRule("q", ["nh*dn + nh*dr", "H"], .quantised, shows: [.attention]) { $0.queryRank == 0 },
    RoleRule("q_a", ["Q", "H"], .quantised, shows: [.attention]) { $0.queryRank > 0 },
    RoleRule("q_a.bias", ["Q"]) { $0.queryRank > 0 && $0.hasBias },
    RoleRule("q_norm", ["Q"], .norm) { $0.queryRank > 0 },
    RoleRule("q_b", ["nh*dn + nh*dr", "Q"], .quantised) { $0.queryRank > 0 },
    RoleRule("kv_a", ["R + dr", "H"], .quantised),
    RoleRule("kv_a.bias", ["R + dr"]) { $0.hasBias },
    RoleRule("kv_norm", ["R"], .norm),
    RoleRule("k_b", ["nh*dn", "R"], .quantised),
    RoleRule("v_b", ["nh*dv", "R"], .quantised),
    RoleRule("gate", ["nh", "H"]) { $0.hasGate },
    RoleRule("o", ["H", "nh*dv"], .quantised),
    RoleRule("o.bias", ["H"]) { $0.hasBias },
  ]

  /// Whether RoPE acts.
  public var rotates: Bool { rope != .none && sharedDim > 0 }

  /// What scores are multiplied with where RoPE is stretched in some way.
  public func scoreScale(_ scaling: RopeScaling) -> Double {
    (rotates ? scaling.scoreFactor : 1) / Double(keyDim + sharedDim).squareRoot()
  }

  var symbols: [String: Int] {
    [
      "nh": heads, "dn": keyDim, "dr": sharedDim, "dv": valueDim, "R": rank, "Q": queryRank,
    ]
  }

  var summary: String {
    "\(heads) × \(keyDim)+\(sharedDim), v \(valueDim), rank \(rank)\(hasGate ? ", gate" : "")"
  }

  /// The cost of the mixer in a model of the given width.
  public func cost(hidden: Int) -> LayerCost {
    let learned = parameters(hidden: hidden)
    return LayerCost(
      parameters: learned, stateValues: 0, convolutionValues: 0,
      stateValuesPerPosition: rank + sharedDim, flopsPerToken: 2 * (learned - rank - queryRank))
  }

  func disagreements(in model: Surroundings) -> [(what: String, found: String)] {
    var found: [(String, String)] = []
    let sizes = [heads, keyDim, valueDim, rank]
    if sizes.contains(where: { $0 < 1 }) {
      let text = sizes.map(String.init).joined(separator: ", ")
      found.append(("mla needs heads, head dims of keys and values, and a rank", text))
    }
    if rotates, sharedDim % 2 != 0 {
      found.append(("mla.shared_dim must be even where RoPE rotates it", "\(sharedDim)"))
    }
    if let ropeTheta, ropeTheta <= 0 {
      found.append(("mla.rope_theta must be positive", "\(ropeTheta)"))
    }
    if let normEpsilon, normEpsilon < 0 {
      found.append(("mla.norm_eps must not be negative", "\(normEpsilon)"))
    }
    return found
  }
}
