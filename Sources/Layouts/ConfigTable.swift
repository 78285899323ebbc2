import Canonical
import Diagnostics
import JSON

/// The two-way table between a config.json and the facts of a model.
public struct ConfigTable: Sendable {
  let entries: [ConfigEntry]
  /// The key of an object that holds the keys of the table in some configs.
  let nested: String?
  /// Keys that count outside that object.
  let outer: [String]
  /// What stands around that object in a new config; nil where a new config is flat.
  let wrapper: JSONObject?
  /// Whether readers of the layout refuse keys that the table does not have.
  let isClosed: Bool

  /// Reads the configuration of a model.
  /// - Throws: `Problem` or `ProblemList` of kind `invalid` or `unsupported`.
  func read(_ config: JSONValue, model: Facts, layer: Facts) throws -> ModelConfiguration {
    let object = try table(config)
    var problems: [Problem] = []
    func collect<Value>(_ body: () throws -> Value) -> Value? {
      do { return try body() } catch { problems.append(contentsOf: error.asProblems) }
      return nil
    }
    var facts = entries.filter { !$0.isForLayers }.reduce(into: model) { facts, entry in
      facts.merge(collect { try entry.read(from: object) } ?? [:]) { $1 }
    }
    var layers: [Facts] = []
    for entry in entries {
      let list = collect { try entry.readList(from: object, count: facts["layers"]) } ?? []
      _ = collect { try merge(list, of: entry, into: &layers, base: layer) }
    }
    _ = collect { try lift(from: &layers, into: &facts) }
    for entry in entries where entry.isForLayers {
      let matching = layers.indices.filter {
        entry.condition.holds(facts.merging(layers[$0]) { $1 })
      }
      guard !matching.isEmpty, let values = collect({ try entry.read(from: object) }) else {
        continue
      }
      for index in matching { layers[index].merge(values) { $1 } }
    }
    try ProblemList.throwIfAny(problems)
    return try ModelConfiguration(model: facts, layers: layers)
  }

  /// Moves facts of the model that a list states layer by layer to the model.
  /// - Throws: `Problem` of kind `unsupported` where layers differ in one.
  private func lift(from layers: inout [Facts], into model: inout Facts) throws {
    for name in Set(layers.flatMap(\.keys)).subtracting(FactNames.layer) {
      let values = Set(layers.compactMap { $0[name] })
      guard let value = values.first, values.count == 1 else {
        throw Problem(
          .unsupported, "layers differ in a fact of the model: \(name)",
          found: values.map(\.text).sorted().joined(separator: ", "))
      }
      model[name] = value
      for index in layers.indices { layers[index][name] = nil }
    }
  }

  private func merge(
    _ list: [Facts], of entry: ConfigEntry, into layers: inout [Facts], base: Facts
  ) throws {
    guard !list.isEmpty else { return }
    if layers.isEmpty { layers = Array(repeating: base, count: list.count) }
    guard layers.count == list.count else {
      throw Problem(
        .invalid, "lists of layers differ in length", expected: "\(layers.count)",
        found: "\(entry.key) has \(list.count)")
    }
    for index in layers.indices { layers[index].merge(list[index]) { $1 } }
  }

  /// The object that holds the keys.
  private func table(_ config: JSONValue) throws -> JSONObject {
    guard case .object(let object) = config else {
      throw Problem(.invalid, "the config is not a JSON object")
    }
    guard let nested, case .object(var inner)? = object[nested] else { return object }
    for key in outer { if let value = object[key] { inner[key] = value } }
    return inner
  }

  /// The config after a change of the configuration; keys whose facts did not change, unknown ones
  /// among them, stay as they are and where they are.
  func updated(_ config: JSONValue, from old: ModelConfiguration, to new: ModelConfiguration)
    -> JSONValue
  {
    guard case .object(var object) = config, var inner = try? table(config) else { return config }
    let before = old.layers.map(\.values)
    let after = new.layers.map(\.values)
    for entry in entries where !entry.isForLayers {
      entry.update(&inner, from: old.values, to: new.values)
      entry.updateBlocks(&inner, from: before, to: after)
    }
    for entry in entries where entry.isForLayers {
      guard let old = layerFacts(entry, old), let new = layerFacts(entry, new) else { continue }
      entry.update(&inner, from: old, to: new)
    }
    guard let nested, case .object? = object[nested] else { return .object(inner) }
    object[nested] = .object(inner)
    return .object(object)
  }

  /// A config for a configuration, with every key of the layout.
  func written(_ configuration: ModelConfiguration) -> JSONValue { wrapped(flat(configuration)) }

  private func flat(_ configuration: ModelConfiguration) -> JSONObject {
    let layers = configuration.layers.map(\.values)
    var object = JSONObject()
    for entry in entries {
      let facts = entry.isForLayers ? layerFacts(entry, configuration) : configuration.values
      let blocks = layers.compactMap { entry.block(for: $0) }
      if let value = facts.flatMap(entry.value(for:)) ?? entry.list(for: layers) {
        object.set(value, at: entry.key)
      } else if !blocks.isEmpty {
        object[entry.key] = .array(blocks.map { .object($0) })
      }
    }
    return object
  }

  /// A config for a configuration that also keeps what the config of another layout says beyond
  /// facts: keys that neither table understands, in nested objects too.
  func written(
    _ configuration: ModelConfiguration, keeping config: JSONValue, of other: ConfigTable
  ) throws -> JSONValue {
    var object = flat(configuration)
    let understood = understoodKeys(configuration).union(other.understoodKeys(configuration))
    let known = Set(entries.map(\.topKey))
    for (key, value) in try other.table(config).entries where !isClosed || known.contains(key) {
      if case .object(let inner) = value, case .object? = object[key] {
        for (name, value) in inner.entries where !understood.contains("\(key)/\(name)") {
          object.set(value, at: "\(key)/\(name)")
        }
      } else if !understood.contains(key), !understood.contains(where: { $0.hasPrefix(key + "/") })
      {
        object[key] = value
      }
    }
    return wrapped(object)
  }

  /// Puts the keys into the nested object where a new config has one.
  private func wrapped(_ object: JSONObject) -> JSONValue {
    guard let nested, var wrapper else { return .object(object) }
    var inner = object
    for key in wrapper.keys where key != "model_type" { inner[key] = nil }
    for key in outer { wrapper[key] = object[key] }
    wrapper[nested] = .object(inner)
    return .object(wrapper)
  }

  /// The keys that say something of a configuration, or belong to the layout alone.
  private func understoodKeys(_ configuration: ModelConfiguration) -> Set<String> {
    let entries = entries.filter { entry in
      if case .standard = entry.meaning { return false }
      return !entry.isForLayers || layerFacts(entry, configuration) != nil
    }
    return Set(entries.flatMap { [$0.key] + $0.alternativeKeys })
  }

  /// What the layout has no words for: keys with the facts they would have to state.
  func unsaid(_ configuration: ModelConfiguration) -> [(key: String, facts: Facts, layer: Int?)] {
    let layers = configuration.layers.map(\.values)
    return entries.flatMap { entry -> [(key: String, facts: Facts, layer: Int?)] in
      switch entry.meaning {
      case .list(let words, _, let onlyInterval):
        if onlyInterval, entry.list(for: layers) == nil {
          return [(entry.key, ["mixer": .word("in no regular interval")], nil)]
        }
        return layers.indices.filter { layer in
          !words.contains { $0.facts.agree(with: layers[layer]) }
        }.map { (entry.key, layers[$0].only(entry.facts), $0) }
      case .blocks(_, let kinds):
        return layers.indices.flatMap { layer -> [(key: String, facts: Facts, layer: Int?)] in
          guard let kind = kinds.first(where: { $0.kind.set.agree(with: layers[layer]) })?.kind
          else { return [(entry.key, layers[layer].only(["mixer"]), layer)] }
          return kind.entries.filter { $0.cannotSay(layers[layer]) }
            .map { ($0.key, layers[layer].only($0.facts), layer) }
        }
      default:
        let facts =
          entry.isForLayers ? layerFacts(entry, configuration) : configuration.values
        guard let facts, entry.cannotSay(facts) else { return [] }
        return [(entry.key, facts.only(entry.facts), nil)]
      }
    }
  }

  /// The facts of the first layer for which an entry holds.
  private func layerFacts(_ entry: ConfigEntry, _ configuration: ModelConfiguration) -> Facts? {
    configuration.layers.lazy.map { configuration.values.merging($0.values) { $1 } }
      .first { entry.condition.holds($0) }
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

extension Facts {
  /// The facts of some names only.
  fileprivate func only(_ names: Set<String>) -> Facts { filter { names.contains($0.key) } }
}

extension Layout {
  /// What the layout has no words for: config keys with the facts they would have to state.
  public func unsaid(_ configuration: ModelConfiguration) -> [(
    key: String, facts: Facts, layer: Int?
  )] {
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
