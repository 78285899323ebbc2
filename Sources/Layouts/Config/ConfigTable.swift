import Canonical
import Diagnostics
import JSON

/// The two-way table between a config.json and the facts of a model.
public struct ConfigTable: Sendable {
  let entries: [ConfigEntry]
  /// Where each entry stands in the layout file, for messages.
  let places: [String]
  /// The key of an object that holds the keys of the table in some configs.
  let nested: String?
  /// Keys that count outside that object.
  let outer: [String]
  /// Keys that say the same inside and outside that object where they stand in both.
  let agreeing: [String]
  /// What stands around that object in a new config; nil where a new config is flat.
  let wrapper: JSONObject?
  /// What stands around that object for the class that holds the text model inside, whether or not a
  /// new config of the form is flat.
  let outerClass: JSONObject?
  /// The keys that name the type of the weights.
  let typeKeys: [String]
  /// The key that counts the layers of multi-token prediction.
  let predictionKey: String?
  /// Whether readers of the layout refuse keys that the table does not have.
  let isClosed: Bool
  /// Whether the keys are not those of a config.json, so that none is taken from or given to another
  /// layout.
  let isApart: Bool
  /// Whether the keys are the options of a trainer, beside which a config of another layout may describe
  /// the model, and which pads the vocabulary as it likes.
  let isOfTrainer: Bool
  /// Keys that some files give by layer.
  let layerNumbers: [LayerNumbers]

  /// Reads the configuration of a model.
  /// - Throws: `Problem` of kind `invalid` or `unsupported`.
  func read(_ config: JSONValue, model: Facts, layer: Facts) throws -> ModelConfiguration {
    let object = try table(config)
    var problems = misread(object)
    func collect<Value>(_ body: () throws -> Value) -> Value? {
      do { return try body() } catch { problems.append(contentsOf: error.asProblems) }
      return nil
    }
    // Facts of the model; an entry may depend on those before it.
    let facts = entries.filter { !$0.isForLayers }.reduce(into: model) { facts, entry in
      guard entry.condition.holds(facts) else { return }
      facts.merge(collect { try entry.read(from: object, known: facts) } ?? [:]) { $1 }
    }
    // Keys that say of each layer what it is.
    var layers: [Facts] = []
    for entry in entries {
      guard let rule = entry.layerRule else { continue }
      let list = collect { try rule.readLayers(from: object, known: facts) } ?? []
      _ = collect { try merge(list, of: rule, into: &layers, base: layer) }
    }
    // Keys that state one value for all layers of a kind, which the keys before tell apart.
    var stated: [String: String] = [:]
    for entry in entries where entry.isForLayers {
      let matching = layers.indices.filter {
        entry.condition.holds(facts.merging(layers[$0]) { $1 })
      }
      guard let first = matching.first else { continue }
      let known = facts.merging(layers[first]) { $1 }
      guard let values = collect({ try entry.read(from: object, known: known) }) else { continue }
      _ = collect { try entry.checkAgreement(values, with: layers[first], in: object, &stated) }
      for index in matching { layers[index].merge(values) { $1 } }
    }
    try Problem.throwIfAny(problems)
    return try ModelConfiguration(model: facts, layers: layers)
  }

  private func merge(
    _ list: [Facts], of rule: any LayerRule, into layers: inout [Facts], base: Facts
  ) throws {
    guard !list.isEmpty else { return }
    if layers.isEmpty { layers = Array(repeating: base, count: list.count) }
    guard layers.count == list.count else {
      throw Problem(
        .invalid, "lists of layers differ in length", expected: "\(layers.count)",
        found: "\(rule.key.path) has \(list.count)")
    }
    try rule.exceptions?.check(list, from: layers, at: rule.key)
    for index in layers.indices { layers[index].merge(list[index]) { $1 } }
  }

  /// The facts of layers as the key of a rule must state them. Where the key of another rule names a layer as
  /// an exception (`instead_of`), this key states the facts that the exception replaces.
  func stated(_ layers: LayerFacts, by rule: any LayerRule) -> LayerFacts {
    let exceptions = entries.compactMap { $0.layerRule?.exceptions }
    guard rule.exceptions == nil, !exceptions.isEmpty else { return layers }
    var stated = layers
    stated.layers = layers.layers.map { layer in
      exceptions.lazy.compactMap { $0.hidden(layer) }.first ?? layer
    }
    return stated
  }

  /// The sizes that keys state of the layout alone, by symbol.
  var sizeSymbols: [String] {
    entries.compactMap(\.rule.statedFact)
      .filter { $0.hasPrefix(ModelConfiguration.sizePrefix) }
      .map { String($0.dropFirst(ModelConfiguration.sizePrefix.count)) }
  }

  /// The object that holds the keys, those that count outside it among them.
  func table(_ config: JSONValue) throws -> JSONObject {
    guard case .object(let object) = config else {
      throw Problem(.invalid, "the config is not a JSON object")
    }
    guard let nested else { return try layerNumbers.reduce(object) { try $1.folded($0) } }
    if let problem = object.problemUnlessObject(at: nested) { throw problem }
    guard case .object(var inner)? = object[nested] else { return object }
    for key in agreeing {
      guard let here = inner[key], let there = object[key], here != there else { continue }
      throw ConfigValue.contradiction(
        "\(key): \(there.text(indent: 0))", "\(nested)/\(key): \(here.text(indent: 0))")
    }
    for key in outer { if let value = object[key] { inner[key] = value } }
    return inner
  }
}
