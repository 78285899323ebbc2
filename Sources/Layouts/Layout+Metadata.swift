extension Layout {
  /// The types of values of typed metadata, by key.
  public var metadataTypes: [String: String] {
    var types: [String: String] = [:]
    for entry in config.entries {
      types[entry.key] = types[entry.key] ?? entry.type
      if let interval = entry.layerRule?.interval, let key = interval.key {
        types[key] = interval.type
      }
    }
    return types
  }
}
