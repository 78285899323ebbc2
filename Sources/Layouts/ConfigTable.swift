import Canonical
import Diagnostics
import JSON

/// The two-way table between a config.json and the facts of a model.
public struct ConfigTable: Sendable {
  let entries: [ConfigEntry]

  /// Reads the configuration of a model.
  /// - Throws: `Problem` or `ProblemList` of kind `invalid` or `unsupported`.
  func read(_ config: JSONValue, model: Facts, layer: Facts) throws -> ModelConfiguration {
    guard case .object(let object) = config else {
      throw Problem(.invalid, "the config is not a JSON object")
    }
    var problems: [Problem] = []
    let facts = entries.reduce(into: model) { facts, entry in
      do {
        facts.merge(try entry.read(from: object)) { $1 }
      } catch { problems.append(contentsOf: error.asProblems) }
    }
    var layers: [Facts] = []
    for entry in entries {
      do {
        let blocks = try entry.readBlocks(from: object)
        guard !blocks.isEmpty else { continue }
        if layers.isEmpty { layers = Array(repeating: layer, count: blocks.count) }
        guard layers.count == blocks.count else {
          throw Problem(
            .invalid, "lists of layers differ in length", expected: "\(layers.count)",
            found: "\(entry.key) has \(blocks.count)")
        }
        for index in layers.indices { layers[index].merge(blocks[index]) { $1 } }
      } catch { problems.append(contentsOf: error.asProblems) }
    }
    try ProblemList.throwIfAny(problems)
    return try ModelConfiguration(model: facts, layers: layers)
  }

  /// The config after a change of the configuration; keys whose facts did not change, unknown ones
  /// among them, stay as they are and where they are.
  func updated(_ config: JSONValue, from old: ModelConfiguration, to new: ModelConfiguration)
    -> JSONValue
  {
    guard case .object(var object) = config else { return config }
    let before = old.layers.map(\.values)
    let after = new.layers.map(\.values)
    for entry in entries {
      entry.update(&object, from: old.values, to: new.values)
      entry.updateBlocks(&object, from: before, to: after)
    }
    return .object(object)
  }

  /// A config for a configuration, with every key of the layout.
  func written(_ configuration: ModelConfiguration) -> JSONValue {
    var object = ConfigEntry.object(entries, configuration.values)
    for entry in entries {
      guard case .blocks = entry.meaning else { continue }
      let blocks = configuration.layers.compactMap { entry.block(for: $0.values) }
      object[entry.key] = .array(blocks.map { .object($0) })
    }
    return .object(object)
  }
}

extension Error {
  /// The problems behind an error of this toolkit.
  var asProblems: [Problem] {
    switch self {
    case let problem as Problem: [problem]
    case let list as ProblemList: list.problems
    default: [Problem(.io, "\(self)")]
    }
  }
}

extension Layout {
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

  /// A new config for a configuration.
  public func writtenConfig(_ configuration: ModelConfiguration) -> JSONValue {
    config.written(configuration)
  }
}
