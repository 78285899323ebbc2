/// The MLP or mixture of experts of a layer.
public struct FeedForward: FactRecord {
  /// The kind of block.
  public enum Kind: String, CaseIterable, Sendable {
    case dense
    case moe
  }

  /// In which order a router selects experts and normalises their weights.
  public enum Router: String, CaseIterable, Sendable {
    /// Softmax over all experts, then the k largest as they are.
    case softmaxThenTopK = "softmax_topk"
    /// The k largest logits, then softmax over them; equals softmax, top-k, division by the sum.
    case topKThenSoftmax = "topk_softmax"
    /// Sigmoids, which choose with a correction added to each and weigh without it; experts lie in groups,
    /// of which the best are looked at.
    case sigmoid
  }

  /// Whether the block is a dense MLP or a mixture of experts.
  public var kind = Kind.dense
  /// The width of the MLP, or of one expert.
  public var intermediate = 0
  /// The activation of the MLP, or of every expert.
  public var activation = Activation.silu
  /// Whether the block is gated: `down(act(gate x) ⊙ up x)`; else `down(act(up x))`.
  public var isGated = true
  /// Whether the linear layers have biases.
  public var hasBias = false
  /// E, the number of experts.
  public var experts = 0
  /// The number of experts a token goes through.
  public var expertsPerToken = 0
  /// In which order the router selects experts and normalises their weights.
  public var router = Router.topKThenSoftmax
  /// What the router's sigmoids add to a choice and groups of experts do; of no meaning to other routers.
  public var choice = ExpertChoice()
  /// The width of the shared expert; 0 for none.
  public var sharedIntermediate = 0
  /// Whether the shared expert is multiplied by `sigmoid(x · w)`.
  public var hasSharedGate = false

  /// A block without sizes yet.
  public init() {}

  private static let isMixture: @Sendable (FeedForward) -> Bool = { $0.kind == .moe }
  private static let hasSigmoids: @Sendable (FeedForward) -> Bool = {
    $0.kind == .moe && $0.router == .sigmoid
  }

  /// The facts of the block.
  public static let facts: [Fact<FeedForward>] = [
    .word("mlp", \.kind),
    .integer("mlp.intermediate", \.intermediate),
    .word("mlp.activation", \.activation),
    .flag("mlp.gated", \.isGated),
    .flag("mlp.bias", \.hasBias),
    .integer("moe.experts", \.experts).meaning(where: isMixture),
    .integer("moe.experts_per_token", \.expertsPerToken).meaning(where: isMixture),
    .word("moe.router", \.router).meaning(where: isMixture),
    .flag("moe.correction", \.choice.hasCorrection).meaning(where: hasSigmoids),
    .integer("moe.groups", \.choice.groups).meaning(where: hasSigmoids),
    .integer("moe.groups_per_token", \.choice.groupsPerToken).meaning { block, _ in
      // All groups are the same as a single one.
      hasSigmoids(block) ? .integer(block.choice.groups > 1 ? block.choice.groupsPerToken : 1) : nil
    },
    .flag("moe.renormalise", \.choice.renormalises).meaning(where: hasSigmoids),
    .number("moe.scale", \.choice.scale).meaning(where: hasSigmoids),
    .integer("moe.shared_intermediate", \.sharedIntermediate).meaning(where: isMixture),
    .flag("moe.shared_gate", \.hasSharedGate).meaning(where: isMixture),
  ]

  var symbols: [String: Int] { ["I": intermediate, "E": experts, "Is": sharedIntermediate] }

  /// The tensors of the block, but for those of its experts.
  static let roles: [RoleRule<FeedForward>] =
    matrices("mlp", width: "I") { $0.kind == .dense }
    + [
      RoleRule("mlp.slope", ["1"]) { $0.activation == .prelu },
      RoleRule("moe.router", ["E", "H"], when: isMixture),
      RoleRule("moe.correction", ["E"]) { hasSigmoids($0) && $0.choice.hasCorrection },
    ]
    + matrices("shared", width: "Is") { isMixture($0) && $0.sharedIntermediate > 0 }
    + [RoleRule("shared.router", ["1", "H"]) { isMixture($0) && $0.hasSharedGate }]

  /// The tensors of every expert.
  static let expertRoles: [RoleRule<FeedForward>] =
    matrices("expert", width: "I", shows: [.experts], when: isMixture)

  private static func matrices(
    _ prefix: String, width: String, shows aspects: Set<FormAspect> = [],
    when isPresent: @escaping @Sendable (FeedForward) -> Bool
  ) -> [RoleRule<FeedForward>] {
    let isGated: @Sendable (FeedForward) -> Bool = { isPresent($0) && $0.isGated }
    return matrix(prefix + ".gate", [width, "H"], when: isGated)
      + matrix(prefix + ".up", [width, "H"], shows: aspects, when: isPresent)
      + matrix(prefix + ".down", ["H", width], when: isPresent)
  }

  private static func matrix(
    _ name: String, _ shape: [String], shows aspects: Set<FormAspect> = [],
    when isPresent: @escaping @Sendable (FeedForward) -> Bool
  ) -> [RoleRule<FeedForward>] {
    [
      RoleRule(name, shape, .quantised, shows: aspects, when: isPresent),
      RoleRule(name + ".bias", [shape[0]]) { isPresent($0) && $0.hasBias },
    ]
  }

  /// The cost of the block in a model of the given width.
  public func cost(hidden: Int) -> LayerCost {
    let matrices = isGated ? 3 : 2
    let one = matrices * hidden * intermediate
    let shared = matrices * hidden * sharedIntermediate
    let routers = hidden * (experts + (hasSharedGate ? 1 : 0))
    return LayerCost(
      parameters: parameters(hidden: hidden), stateValues: 0, convolutionValues: 0,
      stateValuesPerPosition: 0,
      flopsPerToken: 2 * (kind == .dense ? one : expertsPerToken * one + shared + routers))
  }

  private func parameters(hidden: Int) -> Int {
    let symbols = symbols.merging(["H": hidden]) { $1 }
    func sum(_ roles: [RoleRule<FeedForward>]) -> Int {
      roles.filter { $0.isPresent(self) }.reduce(0) { $0 + $1.count(symbols) }
    }
    return sum(Self.roles) + experts * sum(Self.expertRoles)
  }

  /// What is out of range or does not fit together, and the value.
  var disagreements: [(String, String)] {
    guard intermediate > 0 else { return [("mlp.intermediate must be positive", "0")] }
    if kind == .moe, experts < 1 || !(1...max(experts, 1)).contains(expertsPerToken) {
      return [
        (
          "moe.experts_per_token must be between 1 and moe.experts",
          "\(expertsPerToken), \(experts)"
        )
      ]
    }
    return Self.hasSigmoids(self) ? choice.disagreements(experts, expertsPerToken) : []
  }
}
