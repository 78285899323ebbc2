/// A causal softmax attention mixer.
///
/// Maths letters: `nh` query heads, `nkv` key/value heads, `hd` head dim.
public struct Attention: MixerRecord {
  /// How the score scale follows from the head dim where it is not given.
  public enum ScaleRule: String, CaseIterable, Sendable {
    case inverseSquareRoot = "1/sqrt(hd)"
    case inverse = "1/hd"
    case given
  }

  /// What the norms of queries and keys run over.
  public enum QKNorm: String, CaseIterable, Sendable {
    case none
    /// Each head alone, weight `[hd]`.
    case head
    /// All heads of the projection together.
    case projection
  }

  static let kind = "attention"
  static let mark = "A"

  /// nh, the query heads.
  public var heads = 0
  /// nkv, the key/value heads; 0 before a configuration is resolved: as many as query heads.
  public var kvHeads = 0
  /// hd, the head dim; 0 before a configuration is resolved: hidden / heads.
  public var headDim = 0
  /// Whether q, k, v and the gate have biases.
  public var hasBias = false
  /// Whether o has a bias.
  public var hasOutputBias = false
  /// Whether the output is multiplied by `sigmoid(gate)` before the output projection.
  public var hasGate = false
  /// Whether the component along the position's own value is removed from the output.
  public var isExclusive = false
  /// The number of positions a query sees, itself included; nil for all before it.
  public var window: Int?
  /// What scores are multiplied with; nil where a rule gives it.
  public var scale: Double?
  /// How the scale follows from the head dim where it is not given.
  public var scaleRule = ScaleRule.inverseSquareRoot
  /// What the norms of queries and keys run over.
  public var qkNorm = QKNorm.none
  /// Whether RoPE rotates queries and keys, in a model that has RoPE.
  public var rotates = true
  /// The base of RoPE frequencies; nil for that of the model, until a configuration is resolved.
  public var ropeTheta: Double?
  /// ni, the heads of the queries by which blocks of positions are chosen; 0 for a layer without an indexer.
  public var indexHeads = 0
  /// di, the dims of these queries and of the key of a block.
  public var indexDim = 0
  /// The positions of a block; 0 where the indexer is not used, so that a query sees all before it.
  public var indexBlock = 0
  /// The number of positions in the blocks that a query chooses.
  public var indexBudget = 0

  /// A layer without sizes yet.
  public init() {}

  /// The facts of the layer.
  public static let facts: [Fact<Attention>] = [
    .integer("attention.heads", \.heads),
    .integer("attention.kv_heads", \.kvHeads),
    .integer("attention.head_dim", \.headDim),
    .flag("attention.bias", \.hasBias),
    .flag("attention.o_bias", \.hasOutputBias),
    .flag("attention.gate", \.hasGate),
    .flag("attention.exclusive", \.isExclusive),
    .integer("attention.window", \.window),
    .number("attention.scale", \.scale).meaning { mixer, _ in .number(mixer.scoreScale) },
    .word("attention.scale_rule", \.scaleRule).withoutMeaning,
    .word("attention.qk_norm", \.qkNorm),
    .integer("attention.index_heads", \.indexHeads).meaning { mixer, _ in
      .integer(mixer.choosesBlocks ? mixer.indexHeads : 0)
    },
    .integer("attention.index_head_dim", \.indexDim).meaning(where: \.choosesBlocks),
    .integer("attention.index_block", \.indexBlock).meaning(where: \.choosesBlocks),
    .integer("attention.index_budget", \.indexBudget).meaning(where: \.choosesBlocks),
    .flag("attention.rope", \.rotates).meaning { mixer, model in
      .flag(model.hasRope && mixer.rotates)
    },
    .number("attention.rope_theta", \.ropeTheta).meaning(where: \.rotates),
  ]

  static let roles: [RoleRule<Attention>] = [
    RoleRule("q", ["nh*hd", "H"], .quantised, shows: [.attention]),
    RoleRule("q.bias", ["nh*hd"]) { $0.hasBias },
    RoleRule("k", ["nkv*hd", "H"], .quantised),
    RoleRule("k.bias", ["nkv*hd"]) { $0.hasBias },
    RoleRule("v", ["nkv*hd", "H"], .quantised),
    RoleRule("v.bias", ["nkv*hd"]) { $0.hasBias },
    RoleRule("gate", ["nh*hd", "H"], .quantised) { $0.hasGate },
    RoleRule("gate.bias", ["nh*hd"]) { $0.hasGate && $0.hasBias },
    RoleRule("q_norm", ["qn"], .centred) { $0.qkNorm != .none },
    RoleRule("k_norm", ["kn"], .centred) { $0.qkNorm != .none },
    RoleRule("o", ["H", "nh*hd"], .quantised),
    RoleRule("o.bias", ["H"]) { $0.hasOutputBias },
    RoleRule("index_q", ["ni*di", "H"], .quantised) { $0.indexHeads > 0 },
    RoleRule("index_k", ["di", "H"], .quantised) { $0.indexHeads > 0 },
    RoleRule("index_q_norm", ["di"], .centred) { $0.indexHeads > 0 },
    RoleRule("index_k_norm", ["di"], .centred) { $0.indexHeads > 0 },
  ]

  /// Whether a query sees some blocks of positions alone, and not all before it.
  public var choosesBlocks: Bool { indexHeads > 0 && indexBlock > 0 }

  /// The most blocks that a query chooses.
  public var chosenBlocks: Int { indexBlock > 0 ? indexBudget / indexBlock : 0 }

  /// What scores are multiplied with.
  public var scoreScale: Double {
    if let scale { return scale }
    return scaleRule == .inverse ? 1 / Double(headDim) : 1 / Double(headDim).squareRoot()
  }

  var symbols: [String: Int] {
    [
      "nh": heads, "nkv": kvHeads, "hd": headDim, "ni": indexHeads, "di": indexDim,
      "r": kvHeads > 0 ? heads / kvHeads : 0,
      "qn": qkNorm == .projection ? heads * headDim : headDim,
      "kn": qkNorm == .projection ? kvHeads * headDim : headDim,
    ]
  }

  mutating func resolve(hidden: Int) {
    if kvHeads == 0 { kvHeads = heads }
    if headDim == 0, heads > 0, hidden % heads == 0 { headDim = hidden / heads }
  }

  var summary: String { "\(heads)/\(kvHeads) × \(headDim)\(hasGate ? ", gate" : "")\(choice)" }

  private var choice: String {
    choosesBlocks ? ", \(indexBudget) of blocks of \(indexBlock)" : ""
  }

  /// The cost of the mixer in a model of the given width.
  public func cost(hidden: Int) -> LayerCost {
    let rows = (heads * (hasGate ? 2 : 1) + 2 * kvHeads) * headDim
    let index = (indexHeads > 0 ? indexHeads + 1 : 0) * indexDim
    let weights = (rows + index) * hidden + hidden * heads * headDim
    return LayerCost(
      parameters: parameters(hidden: hidden), stateValues: 0, convolutionValues: 0,
      stateValuesPerPosition: 2 * kvHeads * headDim
        + (choosesBlocks ? indexDim / indexBlock : 0), flopsPerToken: 2 * weights)
  }

  func disagreements(in model: Surroundings) -> [(what: String, found: String)] {
    guard heads > 0, headDim > 0, kvHeads > 0 else {
      return [
        (
          "attention needs heads and a head dim",
          "\(heads) heads of \(headDim), \(kvHeads) kv heads"
        )
      ]
    }
    let ropeDim = model.hasRope && rotates ? model.ropeDim(of: headDim) : 0
    var found: [(String, String)] = []
    if heads % kvHeads != 0 {
      found.append(("attention.kv_heads must divide attention.heads", "\(kvHeads), \(heads)"))
    }
    if (ropeDim + 1) / 2 * 2 > headDim {
      found.append(("rope.dim must not exceed the head dim", "\(ropeDim), \(headDim)"))
    }
    if let ropeTheta, ropeTheta <= 0 {
      found.append(("attention.rope_theta must be positive", "\(ropeTheta)"))
    }
    if let window, window < 1 { found.append(("attention.window must be positive", "\(window)")) }
    return found + (indexHeads > 0 ? indexDisagreements(ropeDim: ropeDim) : [])
  }

  private func indexDisagreements(ropeDim: Int) -> [(what: String, found: String)] {
    var found: [(String, String)] = []
    if indexDim < 1 { found.append(("an indexer needs a head dim", "\(indexDim)")) }
    if (ropeDim + 1) / 2 * 2 > indexDim {
      found.append(("rope.dim must not exceed attention.index_head_dim", "\(ropeDim), \(indexDim)"))
    }
    if indexBlock > 0, indexBudget < 1 || indexBudget % indexBlock != 0 {
      found.append(
        (
          "attention.index_block must divide attention.index_budget",
          "\(indexBlock), \(indexBudget)"
        ))
    }
    if choosesBlocks, window != nil {
      found.append(("a layer has either a window or an indexer", "both"))
    }
    return found
  }
}
