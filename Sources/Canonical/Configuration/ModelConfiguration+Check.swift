import Diagnostics

extension ModelConfiguration {
  /// The most experts of all layers together.
  private static let mostExperts = 1 << 17
  /// The most residual streams.
  private static let mostStreams = 64

  /// Checks that every number is in range and that head counts divide each other.
  /// - Throws: `Problem` of kind `invalid`, with every finding.
  func check() throws {
    var problems: [Problem] = oddYaRN
    func require(_ condition: Bool, _ what: String, layer: Int? = nil, found: String) {
      guard !condition else { return }
      problems.append(Problem(.invalid, what, layer: layer, found: found))
    }
    // Sizes that become extents of tensors; their bounds keep products inside an `Int`.
    require((1...Largest.extent).contains(hidden), "hidden is out of range", found: "\(hidden)")
    require(
      (1...Largest.count).contains(vocabulary), "vocabulary is out of range",
      found: "\(vocabulary)")
    require(
      (0...Largest.count).contains(maximumPositions), "positions is out of range",
      found: "\(maximumPositions)")
    require(
      (0...Largest.extent).contains(predictionLayers), "mtp.layers is out of range",
      found: "\(predictionLayers)")
    require(
      (0...Largest.extent).contains(ropeDim), "rope.dim is out of range", found: "\(ropeDim)")
    // Numbers of which some values have no meaning.
    require(normEpsilon >= 0, "norm.eps must not be negative", found: "\(normEpsilon)")
    require(initRange >= 0, "init.range must not be negative", found: "\(initRange)")
    if position == .rope {
      for (what, found) in rotationProblems { require(false, what, found: found) }
    }
    // The config may state the number of layers and list them; both must agree.
    require(
      layers.count == layerCount, "the number of layers does not match the layer list",
      found: "\(layerCount) layers, \(layers.count) described")
    // All experts count, because every one becomes a set of tensors.
    let experts = layers.reduce(0) { $0 + min(max($1.feedForward.experts, 0), Self.mostExperts) }
    require(experts < Self.mostExperts, "moe.experts is out of range", found: "\(experts) in all")
    require(
      (1...Self.mostStreams).contains(streams), "hyper.streams is out of range",
      found: "\(streams)")
    require(
      !hasStreams || (1...Largest.extent).contains(streamRank), "hyper.rank is out of range",
      found: "\(streamRank)")
    require(logitsDivisor != 0, "logits.divisor must not be 0", found: "0")
    // Integers of each layer, then how they fit each other, which only makes sense for numbers in range.
    for (index, layer) in layers.enumerated() {
      for (name, value) in layer.values.sorted(by: { $0.key < $1.key }) {
        guard case .integer(let number) = value else { continue }
        let most = NgramEmbedding.counts.contains(name) ? Largest.count : Largest.extent
        require(
          (0...most).contains(number), "\(name) is out of range", layer: index,
          found: "\(number)")
      }
      guard problems.isEmpty else { continue }
      let found =
        layer.mixer.disagreements(in: surroundings) + layer.feedForward.disagreements
        + layer.ngrams.disagreements(streams: streams)
      for (what, found) in found {
        require(false, what, layer: index, found: found)
      }
    }
    try Problem.throwIfAny(problems)
  }
}

extension ModelConfiguration {
  /// The problem of YaRN with an odd number of rotated dims: its ramp then has one value less than there
  /// are frequencies, and libraries differ in what they do; most stop.
  fileprivate var oddYaRN: [Problem] {
    guard position == .rope, ropeScaling.kind == .yarn else { return [] }
    return layers.enumerated().compactMap { index, layer in
      guard case .attention(let attention) = layer.mixer, attention.rotates,
        ropeDim(of: attention) % 2 != 0
      else {
        return nil
      }
      return Problem(
        .unsupported, "YaRN over an odd number of rotated dims", layer: index,
        expected: "an even rope.dim", found: "\(ropeDim(of: attention)) of \(attention.headDim)",
        remedy: "correct what gives the rotated dims, such as partial_rotary_factor or rope_dim")
    }.prefix(1).map { $0 }
  }

  fileprivate var rotationProblems: [(what: String, found: String)] {
    var found = ropeScaling.disagreements
    if ropeTheta <= 0 { found.append(("rope.theta must be positive", "\(ropeTheta)")) }
    if ropeFollowsHeadDim, let ropeFraction, !(0...1).contains(ropeFraction) {
      found.append(("rope.fraction must be between 0 and 1", "\(ropeFraction)"))
    }
    return found
  }
}
