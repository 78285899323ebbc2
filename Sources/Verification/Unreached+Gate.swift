import Canonical

extension Unreached {
  /// Windows of attention that only a longer prompt would tell apart.
  static func windows(_ a: ModelConfiguration, _ b: ModelConfiguration, prompt: Int) -> [Unreached]
  {
    zip(a.layers, b.layers).enumerated().compactMap { layer, pair in
      let (here, there) = (window(pair.0), window(pair.1))
      guard here != there, min(here, there) >= prompt else { return nil }
      return Unreached(name: "attention.window of layer \(layer)", layer: layer)
    }
  }

  private static func window(_ layer: LayerConfiguration) -> Int {
    guard case .attention(let attention) = layer.mixer else { return .max }
    return attention.window ?? .max
  }
}

extension Gate {
  /// Whether a difference is no more than rounding; NaN never is.
  ///
  /// Rounding to BF16 costs 1e-6 of the squares, a value step in F32 1e-14.
  public func passes(_ difference: Unreached) -> Bool {
    switch self {
    case .f32: difference.relative <= 1e-11
    case .bf16: difference.relative <= 1e-4
    case .maxAbs(let limit): difference.maxAbs <= limit
    }
  }
}
