import Canonical
import Diagnostics
import JSON

extension Layout {
  /// The nearest model to a generated one that the layout holds, or why it holds none; on the way, the
  /// laws of its config: each key reads what it writes, and so does the whole.
  /// - Throws: `Problem` of kind `invalid` where the layout file contradicts itself.
  func holding(_ wanted: ModelConfiguration) throws -> Result<ModelConfiguration, Problem> {
    let first = writtenConfig(wanted)
    try config.checkEntries(wanted, in: first)
    let near: ModelConfiguration
    do { near = try configuration(from: first) } catch let problem as Problem {
      return .failure(problem)
    }
    if let unsaid = unsaid(near).first {
      return .failure(
        Problem(
          .invalid, "the layout has no words for what its own config says",
          expected: "words for \(unsaid.facts.summary)", found: unsaid.key))
    }
    let held = try reading(writtenConfig(near))
    let written = writtenConfig(held)
    let again = try reading(written)
    guard again == held, updatedConfig(written, from: held, to: held) == written else {
      let difference = held.comparison(with: again).first { !$0.agrees }
      throw Problem(
        .invalid, "the layout reads another model than it wrote the config of",
        expected: difference.map { "\($0.fact) \($0.here.text)" },
        found: difference.map { "\($0.fact) \($0.there.text)" }
      ).located(.place("config"))
    }
    return dividing(held).map { .failure($0) } ?? .success(held)
  }

  /// Reads a config that the layout wrote itself.
  private func reading(_ written: JSONValue) throws -> ModelConfiguration {
    do { return try configuration(from: written) } catch let problem as Problem {
      var first = problem.each[0]
      first.found = "\(first.what)\(first.found.map { ": \($0)" } ?? "")"
      first.what = "the layout does not read a config that it wrote"
      throw first.located(.place("config"))
    }
  }

  /// What keeps a model from being divided as the layout does; nil where every division is whole.
  private func dividing(_ configuration: ModelConfiguration) -> Problem? {
    let scopes = scopes(configuration)
    for (rule, place) in zip(tensors, tensorPlaces) {
      for scope in scopes where rule.isPerLayer == (scope.layer != nil) {
        if let problem = scope.remainder(rule) { return problem.located(.place(place)) }
      }
    }
    return nil
  }

  /// The model and its layers, as rules see them.
  func scopes(_ configuration: ModelConfiguration) -> [RuleScope] {
    [RuleScope(self, configuration, layer: nil, valueHeads: nil)]
      + configuration.layers.indices.map {
        RuleScope(self, configuration, layer: $0, valueHeads: nil)
      }
  }
}

extension ConfigTable {
  /// Checks that each key, read from a config that was written of a model, says what the model is.
  /// - Throws: `Problem` of kind `invalid`, with the place in the layout file, where it says something
  ///   else.
  func checkEntries(_ model: ModelConfiguration, in config: JSONValue) throws {
    let object = try table(config)
    let facts = ModelFacts(model)
    let layers = LayerFacts(layers: facts.layers, predictions: model.predictionLayers)
    for (entry, place) in zip(entries, places) {
      try locating(.place(place)) {
        if let rule = entry.layerRule {
          try check(rule, stated(layers, by: rule), model, in: object)
        } else if let facts = facts.facts(for: entry) {
          try entry.check(facts, in: object, beside: entries)
        }
      }
    }
  }

  private func check(
    _ rule: any LayerRule, _ layers: LayerFacts, _ model: ModelConfiguration, in object: JSONObject
  ) throws {
    guard rule.value(for: layers) != nil, rule.unsaid(layers).isEmpty else { return }
    let read = try rule.readLayers(from: object, known: model.values)
    for (index, facts) in read.enumerated() where index < layers.layers.count {
      if let name = facts.disagreements(with: layers.layers[index]).min() {
        throw Self.contradiction(
          name, wrote: layers.layers[index][name], reads: facts[name], in: object[rule.key.path],
          layer: index)
      }
    }
  }

  static func contradiction(
    _ fact: String, wrote: FactValue?, reads: FactValue?, in value: JSONValue?, layer: Int? = nil
  ) -> Problem {
    Problem(
      .invalid, "a key of the layout reads something else than it wrote", layer: layer,
      expected: "\(fact) \((wrote ?? .none).text)",
      found: "\(fact) \((reads ?? .none).text), read from "
        + (value.map(FormatValue.shown) ?? "a missing key"))
  }
}

extension ConfigEntry {
  /// Checks that reading the key gives the facts from which it was written.
  fileprivate func check(_ facts: Facts, in object: JSONObject, beside entries: [ConfigEntry])
    throws
  {
    guard !rule.facts.isEmpty, rule.isReadAsWritten, let value = written(for: facts),
      !rule.cannotSay(facts)
    else { return }
    guard object.value(at: key) == value else {
      // Keys with a condition may write what others write for other layers.
      let always = entries.filter { $0.key == key && $0.condition == .always }
      guard condition == .always, always.count > 1 else { return }
      throw Problem(
        .invalid, "two keys of the layout write one key of the config",
        expected: "\(key): \(FormatValue.shown(value))",
        found: object.value(at: key).map(FormatValue.shown) ?? "nothing")
    }
    let read = try read(from: object, known: facts)
    guard let name = read.disagreements(with: facts).min() else { return }
    throw ConfigTable.contradiction(
      name, wrote: facts[name], reads: read[name], in: object.value(at: key))
  }
}
