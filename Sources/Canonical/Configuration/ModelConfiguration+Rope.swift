import Diagnostics

extension ModelConfiguration {
  mutating func resolveRopeDim() {
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
  mutating func resolveRopeTheta() {
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
}
