import Canonical
import JSON

extension Layout {
  /// What the layout has no words for: config keys with the facts they would have to state.
  public func unsaid(_ configuration: ModelConfiguration) -> [UnsaidFacts] {
    config.unsaid(configuration)
  }

  /// Reads the configuration of a model in this layout.
  /// - Throws: `Problem` or `ProblemList` of kind `invalid` or `unsupported`.
  public func configuration(from config: JSONValue) throws -> ModelConfiguration {
    try self.config.read(config, model: modelSemantics, layer: layerSemantics)
  }

  /// The config after a change of the configuration; everything else stays as it is.
  public func updatedConfig(
    _ config: JSONValue, from old: ModelConfiguration, to new: ModelConfiguration
  ) -> JSONValue {
    self.config.updated(config, from: old, to: new)
  }

  /// A new config for a configuration, with what the config of another layout says beyond facts.
  /// - Throws: `Problem` of kind `invalid` where that config is no object.
  public func writtenConfig(
    _ configuration: ModelConfiguration, keeping config: JSONValue, of other: Layout
  ) throws -> JSONValue {
    try self.config.written(configuration, keeping: config, of: other.config)
  }

  /// A new config for a configuration.
  public func writtenConfig(_ configuration: ModelConfiguration) -> JSONValue {
    config.written(configuration)
  }
}
