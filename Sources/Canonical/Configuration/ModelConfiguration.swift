import Diagnostics

/// The kind of a normalisation layer.
public enum NormKind: String, CaseIterable, Hashable, Sendable {
  case rmsnorm
  case layernorm
}

/// Everything about a model that its weights do not say.
///
/// Shape symbols: `H` hidden size, `vocab` vocabulary, `P` learned positions.
public struct ModelConfiguration: FactRecord {
  /// How positions enter the model.
  public enum Position: String, CaseIterable, Sendable {
    case none
    case rope
    case learned
  }

  /// Which dims of a head RoPE rotates when it rotates some.
  public enum RopeSide: String, CaseIterable, Sendable {
    case first
    case last
  }

  /// How a trainer draws fresh linear weights.
  public enum InitMethod: String, CaseIterable, Sendable {
    case normal
    case mup
    case fanIn = "fan_in"
  }

  /// The number of tokens.
  public var vocabulary = 0
  /// H, the width of the residual stream.
  public var hidden = 0
  /// The number of layers the config claims.
  public var layerCount = 0
  /// P, the number of learned positions, or what the model was trained for.
  public var maximumPositions = 0
  /// Whether a language head uses the embedding.
  public var isTied = false
  /// The class that the model was saved from; with it and `tied` it is known where logits come from.
  public var modelClass = ModelClass.language
  /// The kind of the model's norms.
  public var norm = NormKind.rmsnorm
  /// The eps of the model's norms.
  public var normEpsilon = 1e-5
  /// Whether norms multiply by `1 + weight`.
  public var normIsZeroCentred = false
  /// How positions enter the model.
  public var position = Position.none
  /// The base of RoPE frequencies; of no meaning where those of the layers differ.
  public var ropeTheta = 10_000.0
  /// The dims of a head that RoPE rotates; 0 before a configuration is resolved: as the fraction says.
  public var ropeDim = 0
  /// The share of the dims of a head that RoPE rotates; nil for all, or where their number is given.
  public var ropeFraction: Double?
  /// Whether the share counts, and not the number, where heads of layers differ in their dim.
  public internal(set) var ropeFollowsHeadDim = false
  /// Which dims of a head RoPE rotates where it does not rotate all.
  public var ropeSide = RopeSide.first
  /// How many frequencies turn with time, height and width, such as `11,11,10`; text has one position
  /// for all three.
  public var ropeSections: String?
  /// How RoPE frequencies are stretched.
  public var ropeScaling = RopeScaling()
  /// What embeddings are multiplied with.
  public var embeddingScale = 1.0
  /// What logits are divided by.
  public var logitsDivisor = 1.0
  /// What each block's output is multiplied with before it is added.
  public var residualScale = 1.0
  /// S, the residual streams between which hyper-connections mix; 1 for a plain residual.
  public var streams = 1
  /// Rh, the dims between the two matrices that weigh streams.
  public var streamRank = 0
  /// How a trainer draws linear weights.
  public var initMethod = InitMethod.normal
  /// The standard deviation with which a trainer draws linear weights.
  public var initRange = 0.02
  /// Whether a trainer draws output projections smaller, by the square root of twice the layers.
  public var initIsDepthScaled = false
  /// The number of layers of multi-token prediction, which are carried and not computed.
  public var predictionLayers = 0
  /// Sizes of which only a layout knows what they are, by symbol.
  public var sizes: [String: Int] = [:]
  /// The layers.
  public var layers: [LayerConfiguration] = []

  /// A configuration before any fact is known.
  public init() {}

  /// Builds a configuration from the facts of the model and of each layer, fills in defaults that
  /// depend on other facts, and checks that the numbers fit each other.
  /// - Throws: `Problem` of kind `invalid`.
  public init(model: Facts, layers: [Facts]) throws {
    try self.init(model)
    sizes = try Self.sizes(model)
    self.layers = try layers.enumerated().map { index, facts in
      try locating(.layer(index)) {
        try LayerConfiguration(facts, hidden: hidden)
      }
    }
    resolveRopeDim()
    resolveRopeTheta()
    try resolveNgrams()
    try check()
  }

  /// How the names of facts begin that are sizes of a layout.
  public static let sizePrefix = "size."

  private static func sizes(_ facts: Facts) throws -> [String: Int] {
    var sizes: [String: Int] = [:]
    for (name, value) in facts where name.hasPrefix(sizePrefix) {
      guard case .integer(let size) = value, (0...Largest.extent).contains(size) else {
        throw Problem(.invalid, "a size is out of range: \(name)", found: value.text)
      }
      sizes[String(name.dropFirst(sizePrefix.count))] = size
    }
    return sizes
  }

  /// The sizes of a layout as facts.
  public var sizeFacts: Facts {
    Dictionary(uniqueKeysWithValues: sizes.map { (Self.sizePrefix + $0.key, .integer($0.value)) })
  }

  /// What the facts of layers depend on.
  var surroundings: Surroundings {
    Surroundings(
      hidden: hidden, normEpsilon: normEpsilon, ropeDim: ropeDim,
      ropeFraction: ropeFollowsHeadDim ? ropeFraction : nil, hasRope: position == .rope)
  }

  /// The facts of the model and of each layer together.
  public var factsByLayer: [Facts] {
    let facts = values
    return layers.map { facts.merging($0.values) { $1 } }
  }

  /// The values of the shape symbols of the model or of one layer.
  public func symbols(layer: Int? = nil) -> [String: Int] {
    symbols(of: layer.map { layers[$0] })
  }

  /// The values of the shape symbols of the model or of a layer that is given.
  public func symbols(of layer: LayerConfiguration?) -> [String: Int] {
    var symbols = [
      "H": hidden, "vocab": vocabulary, "P": maximumPositions, "S": streams, "Rh": streamRank,
    ]
    symbols.merge(sizes) { $1 }
    if let layer {
      symbols.merge(layer.mixer.symbols) { $1 }
      symbols.merge(layer.feedForward.symbols) { $1 }
      symbols.merge(layer.ngrams.symbols) { $1 }
    }
    return symbols
  }
}

extension ModelConfiguration {
  /// Whether at most one layer has n-gram embeddings.
  var hasSingleNgrams: Bool { layers.count(where: \.ngrams.isPresent) < 2 }

  /// Whether there are several residual streams.
  public var hasStreams: Bool { streams > 1 }

  /// The values of all residual streams of a token, `S·H`.
  public var streamWidth: Int { max(streams, 1) * hidden }
}
