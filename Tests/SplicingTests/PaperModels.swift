import Canonical

/// Configurations of Gated DeltaNet hybrids without weights.
enum PaperModels {
  /// A hybrid whose layers are all GDN.
  static func hybrid(hidden: Int, heads: Int, keyDim: Int, valueDim: Int, layers: Int = 1)
    -> CanonicalModel
  {
    var mixer = GatedDeltaNet()
    (mixer.keyHeads, mixer.valueHeads) = (heads, heads)
    (mixer.keyDim, mixer.valueDim) = (keyDim, valueDim)
    (mixer.taps, mixer.gate) = (4, .beforeNorm)
    var feedForward = FeedForward()
    feedForward.intermediate = 16
    var configuration = ModelConfiguration()
    configuration.hidden = hidden
    configuration.vocabulary = 32
    configuration.layerCount = layers
    configuration.layers = Array(
      repeating: LayerConfiguration(mixer: .gatedDeltaNet(mixer), feedForward: feedForward),
      count: layers)
    return CanonicalModel(configuration: configuration, tensors: [:])
  }

  /// The paper's 400M hybrid: H 1024, 2 heads of k 256 and v 512.
  static var small: CanonicalModel { hybrid(hidden: 1024, heads: 2, keyDim: 256, valueDim: 512) }

  /// The paper's 7B hybrid: H 1536, 3 heads.
  static var large: CanonicalModel { hybrid(hidden: 1536, heads: 3, keyDim: 256, valueDim: 512) }
}

extension Mixer {
  var gdn: GatedDeltaNet? {
    if case .gatedDeltaNet(let mixer) = self { mixer } else { nil }
  }

  var m2rnn: M2RNN? {
    if case .m2rnn(let mixer) = self { mixer } else { nil }
  }
}
