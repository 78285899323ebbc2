extension ModelConfiguration {
  /// Whether the sections of RoPE give every rotated pair of dims one of the positions of text.
  ///
  /// Pair `i` belongs to time, height and width in turn, counted inside a period as long as all
  /// sections together; a section that is used up leaves its pairs to a position that text does not
  /// have. The period must fit into a head (ggml `ggml_mrope_cache_init`).
  var ropeSectionsCover: Bool {
    guard let text = ropeSections else { return true }
    let sections = text.split(separator: ",").compactMap { Int($0) }
    let period = sections.reduce(0) { $0 &+ max($1, 0) }
    let headDims = attentions.map(\.headDim)
    guard sections.count >= 3, (1...Self.largestExtent).contains(period),
      headDims.allSatisfy({ period <= $0 })
    else { return false }
    return (0..<min(ropeDim / 2, period)).allSatisfy { $0 < 3 * sections[$0 % 3] }
  }

  /// The layers of multi-token prediction: like the first layer with attention.
  public var predictions: [LayerConfiguration] {
    let attention = layers.first { if case .attention = $0.mixer { true } else { false } }
    return attention.map { Array(repeating: $0, count: predictionLayers) } ?? []
  }
}
