import Canonical
import Diagnostics
import JSON
import Tensors

/// What a config claims beyond the model: layers of multi-token prediction, other tensors that travel
/// and the type of weights.
extension Layout {
  /// Where the tensors of multi-token prediction are stored.
  public static let predictionPrefix = "mtp."

  /// Claims that would make a reader of the checkpoint go wrong without a word.
  public func claimProblems(_ config: JSONValue, _ stored: StoredHeaders, file: String) -> [Problem]
  {
    guard let (key, claimed) = predictionClaim(config) else { return [] }
    let layers = predictionLayers(stored)
    guard claimed > 0, hasPrediction(stored), layers.count != claimed || layers.max() != claimed - 1
    else { return [] }
    return [
      Problem(
        .invalid, "the config counts other layers of multi-token prediction than are stored",
        file: file, tensor: "\(Self.predictionPrefix)layers", expected: "\(key): \(claimed)",
        found: layers.isEmpty ? "no layer" : "layers \(NameFolding.range(layers.sorted()))",
        remedy: "correct \(key) in config.json or add the layers that are missing")
    ]
  }

  /// Claims that do not hold but do no harm: what saving a loaded model leaves in its config.
  public func findings(_ config: JSONValue, _ stored: StoredHeaders, file: String) -> [Problem] {
    predictionFindings(config, stored, file) + carriedFindings(config, stored, file)
      + typeFindings(config, stored, file)
  }

  /// Tensors that travel unseen, such as those of images, and are not there.
  private func carriedFindings(_ config: JSONValue, _ stored: StoredHeaders, _ file: String)
    -> [Problem]
  {
    carried.compactMap { rule in
      let prefix = rule.prefix.name()
      guard let key = rule.claim, let claim = config.object?[key], claim != .null,
        !stored.keys.contains(where: { $0.hasPrefix(prefix) })
      else { return nil }
      return Problem(
        .invalid, "tensors that the config claims are not stored", file: file,
        expected: "\(prefix)… for \(key)", found: "none",
        remedy: "fetch the shards that hold them, or use the config of the text model")
    }
  }

  private func predictionFindings(_ config: JSONValue, _ stored: StoredHeaders, _ file: String)
    -> [Problem]
  {
    guard let (key, claimed) = predictionClaim(config), (claimed > 0) != hasPrediction(stored)
    else { return [] }
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

  private func typeFindings(_ config: JSONValue, _ stored: StoredHeaders, _ file: String)
    -> [Problem]
  {
    guard let object = try? self.config.table(config),
      let key = self.config.typeKeys.first(where: { object[$0]?.string != nil }),
      let name = object[key]?.string,
      !stored.values.contains(where: { $0.type.configName == name })
    else { return [] }
    return [
      Problem(
        .invalid, "no tensor has the type that the config names", file: file,
        expected: "\(key): \(name)",
        found: Set(stored.values.map(\.type.rawValue)).sorted().joined(separator: ", "),
        remedy: "correct \(key) in the config, or cast the weights with --dtype")
    ]
  }

  /// The number of layers of multi-token prediction that a config claims; nil where it says nothing.
  public func predictionLayers(claimedBy config: JSONValue) -> Int? {
    predictionClaim(config)?.count
  }

  private func predictionClaim(_ config: JSONValue) -> (key: String, count: Int)? {
    guard let key = self.config.predictionKey, let object = try? self.config.table(config),
      let count = object[key]?.int
    else { return nil }
    return (key, count)
  }

  private func hasPrediction(_ stored: StoredHeaders) -> Bool {
    stored.keys.contains { $0.hasPrefix(Self.predictionPrefix) }
  }

  private func predictionLayers(_ stored: StoredHeaders) -> Set<Int> {
    let prefix = Self.predictionPrefix + "layers."
    return Set(
      stored.keys.compactMap { name in
        guard name.hasPrefix(prefix) else { return nil }
        return Int(name.dropFirst(prefix.count).prefix { $0 != "." })
      })
  }
}
