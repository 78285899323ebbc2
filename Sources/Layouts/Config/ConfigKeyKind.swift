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
  /// It decides nothing of what is computed, as the layout says with a reason.
  case inert
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
    let inert = config.inertKeys
    return { key in
      if key == "architectures" || key == "model_type" { return .name }
      if key.hasSuffix("_token_id") { return .foreign }
      if facts.contains(key) { return .fact }
      return known.contains(key) ? .standard : inert.contains(key) ? .inert : .foreign
    }
  }
}

extension ConfigTable {
  /// The keys that decide nothing of what is computed, each as a whole.
  fileprivate var inertKeys: Set<String> {
    Set(entries.filter(\.rule.weight.isInert).flatMap(\.place.all))
  }

  /// The keys by which a config says what a configuration is.
  fileprivate func factKeys(_ configuration: ModelConfiguration) -> Set<String> {
    let inner = understoodKeys(configuration).map { String($0.prefix { $0 != "/" }) }
    return Set(inner + intervalKeys + typeKeys + [predictionKey].compactMap(\.self))
  }
}
