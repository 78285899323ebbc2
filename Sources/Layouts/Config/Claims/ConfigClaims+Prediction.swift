import Canonical
import Diagnostics
import JSON

extension ConfigClaims {
  var predictionFindings: [Problem] {
    guard let (key, claimed) = predictionClaim, (claimed > 0) != hasPrediction else { return [] }
    let what = "tensors of multi-token prediction that the config"
    return [
      claimed > 0
        ? Problem(
          .invalid, "\(what) claims are not stored", file: file, expected: "\(key): 0",
          found: "\(claimed)", remedy: "convert with --mtp drop, which sets \(key) to 0")
        : Problem(
          .invalid, "\(what) denies are stored", file: file, expected: "\(key) above 0",
          found: "\(claimed)", remedy: "correct \(key), or convert with --mtp drop")
    ]
  }

  /// The key that counts the layers, and its value; nil where the config says nothing.
  var predictionClaim: (key: String, count: Int)? {
    if let claim = layout.predictionClaim(config) { return claim }
    guard let key = layout.predictionFactKey else { return nil }
    return (key, configuration.predictionLayers)
  }

  var hasPrediction: Bool {
    stored.names.contains { name in predictionPrefixes.contains(where: name.hasPrefix) }
  }

  var layerPlace: String { layout.predictionFactKey == nil ? "mtp." : "blk." }

  /// The layers of multi-token prediction that are stored, from 0.
  var predictionLayers: Set<Int> {
    guard layout.predictionFactKey == nil else {
      let layers = configuration.layers.count
      return Set(
        stored.names.compactMap { Self.index(in: $0, after: "blk.") }.filter { $0 >= layers }
      )
      .reduce(into: []) { $0.insert($1 - layers) }
    }
    let prefixes = Set(predictionPrefixes + ["mtp."]).map { $0 + "layers." }
    return Set(
      stored.names.lazy.compactMap { name in
        prefixes.lazy.compactMap { Self.index(in: name, after: $0) }.first
      })
  }

  static func index(in name: String, after prefix: String) -> Int? {
    guard name.hasPrefix(prefix) else { return nil }
    return Int(name.dropFirst(prefix.count).prefix { $0 != "." })
  }
}
