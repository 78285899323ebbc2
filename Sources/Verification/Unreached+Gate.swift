import Canonical

extension Unreached {
  /// Differences in the attention window that only a longer prompt would show.
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
