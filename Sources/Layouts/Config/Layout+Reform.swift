import Canonical
import JSON

/// The config of a model that changes between two forms of a layout with `apart` keys.
extension Layout {
  /// Whether a key describes the model, and not the file or its tokenizer.
  public func isKeyOfModel(_ key: String) -> Bool {
    detection.config.flatMap(\.values).contains { value in
      value.string.map { key.hasPrefix($0 + ".") } ?? false
    }
  }

  /// A new config for a configuration, which keeps what another one says of the file and its tokenizer.
  public func writtenConfig(_ configuration: ModelConfiguration, describedBy config: JSONValue)
    -> JSONValue
  {
    guard case .object(var written) = writtenConfig(configuration) else { return config }
    let stated = self.config.understoodKeys(configuration)
    for (key, value) in config.object?.entries ?? []
    where !isKeyOfModel(key) && !stated.contains(where: { $0 == key || $0.hasPrefix(key + "/") }) {
      written[key] = value
    }
    return .object(written)
  }
}
