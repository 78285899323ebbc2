import Canonical
import Diagnostics
import JSON
import Tensors

extension Layout {
  /// Facts that the layout cannot express: the config keys, each with the facts that it would have to
  /// state.
  public func unsaid(_ configuration: ModelConfiguration) -> [UnsaidFacts] {
    config.unsaid(configuration)
  }

  /// The facts that the layout fixes to another value than the configuration has.
  public func fixedOtherwise(_ configuration: ModelConfiguration) -> [FactComparison] {
    let meaning = configuration.meaning
    let ofModel = modelSemantics.sorted { $0.key < $1.key }.compactMap { name, value in
      meaning[name].map { FactComparison(fact: name, layer: nil, here: $0, there: value) }
    }
    return ofModel.filter { !$0.agrees } + ofLayers(configuration)
  }

  private func ofLayers(_ configuration: ModelConfiguration) -> [FactComparison] {
    configuration.layers.enumerated().flatMap { index, layer -> [FactComparison] in
      let facts = layer.values
      return layerSemantics.sorted { $0.key < $1.key }.compactMap { name, value in
        guard let own = facts[name], own != .none, !own.means(value) else { return nil }
        let isMoot = name.hasPrefix("moe.") && layer.feedForward.kind == .dense
        return isMoot ? nil : FactComparison(fact: name, layer: index, here: own, there: value)
      }
    }
  }

  /// Refuses a layout of which Graft knows the tensors and not what they compute.
  /// - Throws: `Problem` of kind `unsupported` with the reason.
  public func requireUnderstood() throws {
    guard let inspectOnly else { return }
    throw Problem(
      .unsupported, "layout \(id) can be inspected and no more", found: inspectOnly,
      remedy: "use graft inspect and graft diff; other verbs need another layout")
  }

  /// Reads the configuration of a model in this layout.
  /// - Throws: `Problem` of kind `invalid` or `unsupported`.
  public func configuration(from config: JSONValue) throws -> ModelConfiguration {
    try self.config.read(config, model: modelSemantics, layer: layerSemantics)
  }

  /// The config after a change of the configuration; everything else stays as it is.
  public func updatedConfig(
    _ config: JSONValue, from old: ModelConfiguration, to new: ModelConfiguration
  ) -> JSONValue {
    configNamingCode(self.config.updated(config, from: old, to: new), for: new)
  }

  /// The config after a cast of all weights, or after the tensors of multi-token prediction were left
  /// out.
  public func editedConfig(_ config: JSONValue, type: ScalarType?, dropsMTP: Bool) -> JSONValue {
    self.config.edited(config, type: type, dropsMTP: dropsMTP)
  }

  /// The config with the type of the weights where the layout has a key for it.
  public func naming(_ type: ScalarType, in config: JSONValue) -> JSONValue {
    self.config.naming(type, in: config)
  }

  /// A new config for a configuration, with what the config of another layout says beyond facts.
  /// - Throws: `Problem` of kind `invalid` where that config is no object.
  public func writtenConfig(
    _ configuration: ModelConfiguration, keeping config: JSONValue, of other: Layout
  ) throws -> JSONValue {
    configNamingCode(
      try self.config.written(configuration, keeping: config, of: other.config),
      for: configuration)
  }

  /// The keys of a config that say something beyond facts.
  /// - Throws: `Problem` of kind `invalid` where the config is no object.
  public func keysBeyondFacts(_ config: JSONValue, _ configuration: ModelConfiguration) throws
    -> [String]
  {
    try self.config.keysBeyondFacts(config, configuration)
  }

  /// The keys of a config that neither state facts nor are known to decide nothing, as paths.
  public func unknownKeys(_ config: JSONValue) -> [String] { self.config.unknownKeys(config) }

  /// A new config for a configuration.
  public func writtenConfig(_ configuration: ModelConfiguration) -> JSONValue {
    configNamingCode(config.written(configuration), for: configuration)
  }
}
