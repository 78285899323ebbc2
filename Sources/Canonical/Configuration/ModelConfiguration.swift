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
  public private(set) var ropeFollowsHeadDim = false
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

  /// The facts of the model.
  public static let facts: [Fact<ModelConfiguration>] =
    [
      .integer("vocabulary", \.vocabulary),
      .integer("hidden", \.hidden),
      .integer("layers", \.layerCount),
      .integer("positions", \.maximumPositions).meaning(where: { $0.position == .learned }),
      .flag("tied", \.isTied).withoutMeaning,
      .word("class", \.modelClass).withoutMeaning,
      .derived("head") { $0.head }
        .meaning { model, _ in .word(model.head.rawValue) },
      .word("norm", \.norm),
      .number("norm.eps", \.normEpsilon),
      .flag("norm.zero_centred", \.normIsZeroCentred).withoutMeaning,
      .word("position", \.position).meaning { model, _ in
        .word((model.position == .rope && !model.rotates ? .none : model.position).rawValue)
      },
      .number("rope.theta", \.ropeTheta).meaning(where: \.rotates),
      .integer("rope.dim", \.ropeDim).meaning(where: { $0.rotates && $0.ropeDims.count <= 1 }),
      .number("rope.fraction", \.ropeFraction).withoutMeaning,
      .word("rope.side", \.ropeSide).meaning(where: { $0.rotates && !$0.rotatesWholeHeads }),
      .text("rope.sections", \.ropeSections).withoutMeaning,
      .word("rope.scaling", \.ropeScaling.kind).meaning(where: \.rotates),
      .number("rope.factor", \.ropeScaling.factor).meaning(where: {
        $0.rotates && $0.ropeScaling.kind != .none
      }),
      .integer("rope.original_positions", \.ropeScaling.originalPositions).meaning(
        where: \.rotatesByYaRN),
      .number("rope.attention_factor", \.ropeScaling.attentionFactor).meaning { model, _ in
        model.rotatesByYaRN ? .number(model.ropeScaling.magnitude) : nil
      },
      .number("rope.mscale", \.ropeScaling.mscale).withoutMeaning,
      .number("rope.mscale_all_dims", \.ropeScaling.mscaleAllDims).meaning { model, _ in
        model.rotatesLatently && model.ropeScaling.scoreFactor != 1
          ? .number(model.ropeScaling.scoreFactor) : nil
      },
      .number("rope.beta_fast", \.ropeScaling.betaFast).meaning(where: \.rotatesByYaRN),
      .number("rope.beta_slow", \.ropeScaling.betaSlow).meaning(where: \.rotatesByYaRN),
      .flag("rope.truncate", \.ropeScaling.isTruncated).meaning(where: \.rotatesByYaRN),
      .number("embedding.scale", \.embeddingScale),
      .number("logits.divisor", \.logitsDivisor),
      .number("residual.scale", \.residualScale),
      .integer("hyper.streams", \.streams),
      .integer("hyper.rank", \.streamRank).meaning(where: \.hasStreams),
      .word("init.method", \.initMethod).withoutMeaning,
      .number("init.range", \.initRange).withoutMeaning,
      .flag("init.depth_scaled", \.initIsDepthScaled).withoutMeaning,
      .integer("mtp.layers", \.predictionLayers).withoutMeaning,
      .derived("rope.sections_cover", .flag) { .flag($0.ropeSectionsCover) },
      .derived("rope.fitted_sections", .word) {
        ($0.fittedRopeSections ?? $0.ropeSections).map(FactValue.word) ?? .none
      },
      .derived("rope.in_pairs", .flag) { .flag($0.rotatesInPairs) },
      .derived("ngram.single", .flag) { .flag($0.hasSingleNgrams) },
    ]

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

  private mutating func resolveRopeDim() {
    guard position == .rope else { return }
    ropeFollowsHeadDim = ropeDim == 0
    for attention in rotating where (1...Largest.extent).contains(attention.headDim) {
      let headDim = Double(attention.headDim)
      if ropeDim == 0 { ropeDim = Int(headDim * min(max(ropeFraction ?? 1, 0), 1)) }
      if ropeFraction == nil { ropeFraction = Self.fraction(ropeDim, of: attention.headDim) }
    }
  }

  /// A share of a head dim that gives the number of dims back where the product is rounded towards
  /// zero, as readers of configs do.
  private static func fraction(_ dims: Int, of headDim: Int) -> Double {
    let fraction = Double(dims) / Double(headDim)
    let product = (Double(headDim) * fraction).rounded(.towardZero)
    return product < Double(dims) ? fraction.nextUp : fraction
  }

  /// Gives every attention layer its base of RoPE, and the model the one that all of them share.
  private mutating func resolveRopeTheta() {
    for index in layers.indices {
      switch layers[index].mixer {
      case .attention(var attention):
        attention.ropeTheta = position == .rope ? attention.ropeTheta ?? ropeTheta : nil
        layers[index].mixer = .attention(attention)
      case .mla(var attention) where attention.rotates:
        attention.ropeTheta = position == .rope ? attention.ropeTheta ?? ropeTheta : nil
        layers[index].mixer = .mla(attention)
      default: break
      }
    }
    if let base = ropeThetas.first, ropeThetas.count == 1 { ropeTheta = base }
  }

  /// The attention mixers that RoPE rotates where the model has it, in the order of the layers.
  var rotating: [Attention] {
    layers.compactMap { layer in
      if case .attention(let attention) = layer.mixer, attention.rotates { attention } else { nil }
    }
  }

  /// The bases of RoPE frequencies in any layer.
  var ropeThetas: Set<Double> { Set(layers.compactMap { rotation(of: $0)?.base }) }

  /// The dims of a head that RoPE rotates in a layer and the base of their frequencies; nil where the
  /// layer does not rotate, whatever its dims.
  public func rotation(of layer: LayerConfiguration) -> (dims: Int, base: Double)? {
    guard position == .rope else { return nil }
    return switch layer.mixer {
    case .attention(let attention) where attention.rotates:
      (ropeDim(of: attention), attention.ropeTheta ?? ropeTheta)
    case .mla(let attention) where attention.rotates:
      (attention.sharedDim, attention.ropeTheta ?? ropeTheta)
    default: nil
    }
  }

  /// The dims of a head that RoPE rotates in a layer.
  public func ropeDim(of attention: Attention) -> Int {
    surroundings.ropeDim(of: attention.headDim)
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

/// One decoder layer: a mixer and a feed-forward block, each with its norm.
public struct LayerConfiguration: Hashable, Sendable {
  /// Where the norms of a layer stand.
  public enum NormPlacement: String, CaseIterable, Sendable {
    /// `h += block(norm(h))`
    case pre
    /// `h += norm(block(h))`
    case post
  }

  /// The token mixer.
  public var mixer: Mixer
  /// The MLP or mixture of experts.
  public var feedForward: FeedForward
  /// Where the norms stand.
  public var normPlacement: NormPlacement
  /// The n-gram embeddings that are added in front of the mixer, if there are any.
  public var ngrams = NgramEmbedding()
  /// What a layout says of the layer beyond what Graft knows; nil for most layers.
  public var mark: String?

  /// A layer from its parts.
  public init(mixer: Mixer, feedForward: FeedForward, normPlacement: NormPlacement = .pre) {
    self.mixer = mixer
    self.feedForward = feedForward
    self.normPlacement = normPlacement
  }

  init(_ facts: Facts, hidden: Int) throws {
    mixer = try Mixer(facts, hidden: hidden)
    feedForward = try FeedForward(facts)
    ngrams = try NgramEmbedding(facts)
    normPlacement = facts["norm.placement"]?.asWord.flatMap(NormPlacement.init) ?? .pre
    mark = facts["mark"]?.asWord
  }

  /// The facts that belong to the layer itself.
  static let ownFacts = [
    // The kind of the token mixer; one that Graft does not know is carried, not computed.
    FactDescription("mixer", .word),
    // Whether the mixer is only carried.
    FactDescription("carried", .flag, isDerived: true),
    // Where the norms of a layer stand: before each block, or behind it.
    FactDescription("norm.placement", words: NormPlacement.self),
    // A word of the layout for layers that have tensors of their own.
    FactDescription("mark", .word, isOptional: true),
  ]

  /// The facts of the layer.
  public var values: Facts {
    withOwnFacts(mixer.values.merging(feedForward.values) { $1 }.merging(ngrams.values) { $1 })
  }

  /// The facts of the layer that decide what it computes, defaults resolved.
  func meaning(in model: Surroundings) -> Facts {
    withOwnFacts(
      mixer.meaning(in: model).merging(feedForward.meaning(in: model)) { $1 }
        .merging(ngrams.meaning(in: model)) { $1 })
  }

  private func withOwnFacts(_ facts: Facts) -> Facts {
    var facts = facts
    facts["norm.placement"] = .word(normPlacement.rawValue)
    facts["mark"] = mark.map(FactValue.word)
    return facts
  }
}
