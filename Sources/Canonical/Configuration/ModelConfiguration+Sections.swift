extension ModelConfiguration {
  /// Whether every rotated pair of a head has a position that text has; so it is in a model without sections.
  var ropeSectionsCover: Bool { ropeSections == nil || fittedRopeSections != nil }

  /// The sections of RoPE as llama.cpp takes them: those of the model where they fit a head, else smaller
  /// ones that mean the same; nil where there are none.
  ///
  /// Pair `i` belongs to time, height and width in turn, counted inside a period as long as all
  /// sections together; a section that is used up leaves its pairs to a position that text does not
  /// have. The period must fit into a head (ggml `ggml_mrope_cache_init`).
  var fittedRopeSections: String? {
    guard let text = ropeSections else { return nil }
    let given = text.split(separator: ",").compactMap { Int($0) }
    let sections = given + Array(repeating: 0, count: max(3 - given.count, 0))
    if cover(sections) { return text }
    let pairs = min(max(ropeDim / 2, 0), Largest.extent)
    let smaller = [(pairs + 2) / 3, min(sections[1], (pairs + 1) / 3), min(sections[2], pairs / 3)]
    guard sections.dropFirst(3).allSatisfy({ $0 == 0 }), cover(smaller) else { return nil }
    return smaller.map(String.init).joined(separator: ",")
  }

  private func cover(_ sections: [Int]) -> Bool {
    guard sections.allSatisfy((0...Largest.extent).contains) else { return false }
    let period = sections.reduce(0, +)
    guard period > 0, rotating.allSatisfy({ period <= $0.headDim }) else { return false }
    return (0..<min(ropeDim / 2, period)).allSatisfy { $0 < 3 * sections[$0 % 3] }
  }

  /// Whether every head rotates an even number of dims, at least two.
  var rotatesInPairs: Bool {
    rotating.allSatisfy { attention in
      let dims = ropeDim(of: attention)
      return dims > 0 && dims % 2 == 0
    }
  }

  /// The layers of multi-token prediction: like the first layer with attention.
  public var predictions: [LayerConfiguration] {
    let attention = layers.first { if case .attention = $0.mixer { true } else { false } }
    return attention.map { Array(repeating: $0, count: predictionLayers) } ?? []
  }
}
