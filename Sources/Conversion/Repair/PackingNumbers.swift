import Containers
import JSON
import Layouts
import Opening

/// The numbers by which a config says how weights are packed: the bits of a code, and how many values
/// share a scale.
enum PackingNumbers {
  private static let widths = [2, 3, 4, 5, 6, 8]
  private static let groups = [16, 32, 64, 128, 256, -1]
  /// The key under which MLX keeps them.
  private static let mlxKey = "quantization"
  private static let text = "says another packing than the weights have"

  /// What a config may have to say instead, each as one change; which of them fits shows when the
  /// checkpoint is opened with it.
  static func corrections(of stored: StoredCheckpoint) -> [[ConfigCorrection]] {
    let config = stored.config ?? .null
    let places = config.quantisationKeys.map { $0.split(separator: "/").map(String.init) }
      .compactMap { place(of: $0, in: config) }
    let known = places.isEmpty && stored.hasScalesOfMLX ? [Place(path: [mlxKey])] : places
    return widths.flatMap { width in
      groups.map { group in known.flatMap { $0.corrections(width, group, of: config) } }
    }.filter { !$0.isEmpty }
  }

  /// Where a claim states both numbers.
  private struct Place {
    let path: [String]
    var widthKey = "bits"

    func corrections(_ width: Int, _ group: Int, of config: JSONValue) -> [ConfigCorrection] {
      [
        ConfigCorrection(path + [widthKey], to: JSONValue(width), text),
        ConfigCorrection(path + ["group_size"], to: JSONValue(group), text),
      ].filter { config.value(at: $0.path) != $0.value }
    }
  }

  /// Nil for a claim that states several, of which nothing tells which one is wrong.
  private static func place(of path: [String], in config: JSONValue) -> Place? {
    guard let groups = config.value(at: path)?["config_groups"]?.object else {
      return Place(path: path)
    }
    guard groups.entries.count == 1 else { return nil }
    return Place(
      path: path + ["config_groups", groups.entries[0].key, "weights"], widthKey: "num_bits")
  }

  /// What MLX would have written into the config, where that lost it and the weights are packed alike.
  static func announcement(_ model: OpenedModel) -> [ConfigCorrection] {
    guard let packing = model.packing, !packing.isAnnounced, packing.schemes.count == 1,
      let scheme = packing.schemes.first?.scheme, let group = scheme.group,
      scheme.method.hasPrefix("MLX ")
    else { return [] }
    let mode = String(scheme.method.dropFirst("MLX ".count))
    let claim: JSONObject = [
      "group_size": JSONValue(group), "bits": JSONValue(scheme.bits), "mode": .string(mode),
    ]
    return [
      ConfigCorrection([mlxKey], to: .object(claim), "is missing, and the weights are packed")
    ]
  }
}

extension StoredCheckpoint {
  /// Whether codes stand beside scales under the names that MLX gives them.
  fileprivate var hasScalesOfMLX: Bool {
    tensors.contains { tensor in
      tensor.name.hasSuffix(".scales")
        && headers[tensor.name.dropLast("scales".count) + "weight"]?.type == .u32
    }
  }
}
