import JSON

extension Layout {
  /// The number of layers of multi-token prediction that a config claims; nil where it says nothing.
  public func predictionLayers(claimedBy config: JSONValue) -> Int? {
    predictionClaim(config)?.count
  }

  /// The key of typed metadata that counts the layers of multi-token prediction as a fact.
  var predictionFactKey: String? {
    guard container != nil else { return nil }
    return config.entries.first { $0.facts.contains("mtp.layers") }?.key
  }

  func predictionClaim(_ config: JSONValue) -> (key: String, count: Int)? {
    guard let key = self.config.predictionKey, let object = try? self.config.table(config),
      let count = object[key]?.int
    else { return nil }
    return (key, count)
  }
}
