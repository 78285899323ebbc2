import Canonical
import JSON

/// What a key of a config is to a layout.
public enum ConfigKeyKind: Sendable {
  /// The key says what the model computes, or how its weights are stored.
  case fact
  /// It names the class of the model.
  case name
  /// The layout has it, and it decides nothing.
  case standard
  /// The layout does not know it.
  case foreign
}

extension Layout {
  /// The key of an object that holds the keys of the layout in some configs.
  public var nestedKey: String? { config.nested }

  /// The object of a config that holds its keys; nil where there is none.
  public func keys(of config: JSONValue) -> JSONObject? { try? self.config.table(config) }

  /// What each key is for a configuration.
  public func keyKinds(_ configuration: ModelConfiguration) -> (String) -> ConfigKeyKind {
    let facts = config.factKeys(configuration)
    let known = config.knownKeys
    return { key in
      if key == "architectures" || key == "model_type" { return .name }
      if key.hasSuffix("_token_id") { return .foreign }
      return facts.contains(key) ? .fact : known.contains(key) ? .standard : .foreign
    }
  }
}

extension ConfigTable {
  /// The keys by which a config says what a configuration is.
  fileprivate func factKeys(_ configuration: ModelConfiguration) -> Set<String> {
    let inner = understoodKeys(configuration).map { String($0.prefix { $0 != "/" }) }
    return Set(inner + intervalKeys + typeKeys + [predictionKey].compactMap(\.self))
  }
}
