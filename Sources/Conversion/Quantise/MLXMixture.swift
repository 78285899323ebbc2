import Layouts

/// Which weights have more bits than the others in the mixtures of mlx-lm: the head, and in the first and
/// last eighths of the layers and each third between what goes out of the MLP and the values of attention.
struct MLXMixture: Hashable {
  /// The bits of most weights.
  let low: Int
  /// The bits of those that matter more.
  let high: Int

  private static let often = ["v_proj", "down_proj"]

  /// The bits of the weight of a module.
  /// - Parameter layers: how many the model has.
  func bits(of module: String, layers: Int) -> Int {
    if module.contains("lm_head") { return high }
    guard Self.often.contains(where: module.contains) else { return low }
    return Self.hasMore(Self.layer(module) ?? 0, of: layers) ? high : low
  }

  /// The number of the layer of a module; nil outside of layers.
  static func layer(_ module: String) -> Int? {
    module.split(separator: ".").lazy.compactMap { Int($0) }.first
  }

  /// Whether a layer is among those with more bits, which llama.cpp chooses in the same way.
  static func hasMore(_ layer: Int, of layers: Int) -> Bool {
    layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2
  }
}
