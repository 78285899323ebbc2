/// The MLP or mixture of experts of a layer.
public struct FeedForward: FactRecord {
  /// The kind of block.
  public enum Kind: String, Sendable {
    case dense
    case moe
  }

  /// In which order a router selects experts and normalises their weights.
  public enum Router: String, Sendable {
    /// Softmax over all experts, then the k largest as they are.
    case softmaxThenTopK = "softmax_topk"
    /// The k largest logits, then softmax over them; equals softmax, top-k, division by the sum.
    case topKThenSoftmax = "topk_softmax"
  }

  /// Dense or a mixture of experts.
  public var kind = Kind.dense
  /// The width of the MLP, or of one expert.
  public var intermediate = 0
  /// The nonlinearity.
  public var activation = Activation.silu
  /// Whether the block is gated: `down(act(gate x) ⊙ up x)`; else `down(act(up x))`.
  public var isGated = true
  /// Whether the linear layers have biases.
  public var hasBias = false
  /// E, the number of experts.
  public var experts = 0
  /// The number of experts a token goes through.
  public var expertsPerToken = 0
  /// In which order the router selects and normalises.
  public var router = Router.topKThenSoftmax
  /// The width of the shared expert; 0 for none.
  public var sharedIntermediate = 0
  /// Whether the shared expert is multiplied by `sigmoid(x · w)`.
  public var hasSharedGate = false

  /// A block without sizes yet.
  public init() {}

  /// The facts of the block.
  public static let facts: [Fact<FeedForward>] = [
    .word("mlp", \.kind),
    .integer("mlp.intermediate", \.intermediate),
    .word("mlp.activation", \.activation),
    .flag("mlp.gated", \.isGated),
    .flag("mlp.bias", \.hasBias),
    .integer("moe.experts", \.experts),
    .integer("moe.experts_per_token", \.expertsPerToken),
    .word("moe.router", \.router),
    .integer("moe.shared_intermediate", \.sharedIntermediate),
    .flag("moe.shared_gate", \.hasSharedGate),
  ]

  var symbols: [String: Int] { ["I": intermediate, "E": experts, "Is": sharedIntermediate] }
}
