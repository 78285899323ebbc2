import Canonical
import JSON
import Tensors

extension ConfigTable {
  /// The config after a change of the configuration; keys whose facts did not change, unknown ones
  /// among them, stay as they are and where they are.
  func updated(_ config: JSONValue, from old: ModelConfiguration, to new: ModelConfiguration)
    -> JSONValue
  {
    guard case .object(var object) = config else { return config }
    var inner = nested.flatMap { object[$0]?.object } ?? object
    let (before, after) = (LayerFacts(old), LayerFacts(new))
    let (oldFacts, newFacts) = (ModelFacts(old), ModelFacts(new))
    for entry in entries {
      if let rule = entry.layerRule {
        rule.update(&inner, from: stated(before, by: rule), to: stated(after, by: rule))
      } else if let old = oldFacts.facts(for: entry), let new = newFacts.facts(for: entry) {
        entry.update(&inner, from: old, to: new)
      }
    }
    guard let nested, case .object? = object[nested] else { return .object(inner) }
    object[nested] = .object(inner)
    return .object(object)
  }

  /// A config for a configuration, with every key of the layout.
  func written(_ configuration: ModelConfiguration) -> JSONValue { wrapped(flat(configuration)) }

  private func flat(_ configuration: ModelConfiguration) -> JSONObject {
    let facts = ModelFacts(configuration)
    let layers = LayerFacts(
      layers: facts.layers, predictions: configuration.predictionLayers)
    return entries.reduce(into: JSONObject()) { object, entry in
      if let rule = entry.layerRule {
        rule.write(stated(layers, by: rule), into: &object)
      } else if let value = facts.facts(for: entry).flatMap(entry.written(for:)) {
        object.set(value, at: entry.key)
      }
    }
  }

  /// A config for a configuration that also keeps what the config of another layout says beyond
  /// facts: keys that neither table understands, in nested objects too.
  func written(
    _ configuration: ModelConfiguration, keeping config: JSONValue, of other: ConfigTable
  ) throws -> JSONValue {
    var object = flat(configuration)
    let understood = understoodKeys(configuration).union(other.understoodKeys(configuration))
    let known = knownKeys
    if let key = predictionKey, configuration.predictionLayers > 0 {
      object.set(JSONValue(configuration.predictionLayers), at: key)
    }
    guard !isApart, !other.isApart else { return wrapped(object) }
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

  /// The config after a cast of all weights, or after the tensors of multi-token prediction were left
  /// out; keys that are not there are not added.
  func edited(_ config: JSONValue, type: ScalarType?, dropsMTP: Bool) -> JSONValue {
    guard case .object(var object) = config else { return config }
    if let name = type?.configName {
      for key in typeKeys where object[key] != nil { object[key] = .string(name) }
    }
    if let key = predictionKey, dropsMTP, object[key] != nil { object[key] = 0 }
    if let nested, let inner = object[nested]?.object {
      object[nested] = edited(.object(inner), type: type, dropsMTP: dropsMTP)
    }
    return .object(object)
  }

  /// The config with the type of the weights under the first key that names it, where there is one.
  func naming(_ type: ScalarType, in config: JSONValue) -> JSONValue {
    guard case .object(var object) = config, let key = typeKeys.first, let name = type.configName
    else { return config }
    if let nested, case .object(var inner)? = object[nested] {
      inner[key] = .string(name)
      object[nested] = .object(inner)
    } else {
      object[key] = .string(name)
    }
    return .object(object)
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

  /// The keys of a config that say something beyond facts.
  func keysBeyondFacts(_ config: JSONValue, _ configuration: ModelConfiguration) throws
    -> [String]
  {
    let known = Set(entries.filter { !$0.rule.weight.isInert }.flatMap(\.place.all))
      .union(intervalKeys)
    return try table(config).keys.filter { key in
      !known.contains(key) && !known.contains { $0.hasPrefix(key + "/") }
    }
  }

  /// The outermost keys that the layout knows.
  var knownKeys: Set<String> {
    Set(entries.filter { !$0.rule.weight.isInert }.map(\.place.top))
  }

  /// The keys under which intervals stand beside lists.
  var intervalKeys: [String] {
    entries.compactMap { $0.layerRule?.interval?.key }
  }

  /// The keys that say something of a configuration, or belong to the layout alone.
  func understoodKeys(_ configuration: ModelConfiguration) -> Set<String> {
    let facts = ModelFacts(configuration)
    let entries = entries.filter { entry in
      entry.rule.weight == .deciding && facts.facts(for: entry) != nil
    }
    return Set(entries.flatMap(\.place.all))
  }
}

extension LayerFacts {
  /// The facts of the layers of a model.
  fileprivate init(_ configuration: ModelConfiguration) {
    self.init(
      layers: configuration.layers.map(\.values), predictions: configuration.predictionLayers)
  }
}
