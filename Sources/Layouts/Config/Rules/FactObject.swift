import Canonical
import JSON

/// What one object of a config says: some facts by being there, others by its keys.
struct FactObject: Sendable {
  /// The facts that the object states by being there.
  let set: Facts
  /// Its keys.
  let entries: [ConfigEntry]

  /// Reads the object from a layout file.
  /// - Parameter keys: the key of the list of its keys.
  init(_ object: inout FormatObject, keys: String = "keys", _ pairs: SharedPairs) throws {
    set = try object.facts("set")
    entries = try object.list(keys) { try ConfigEntry($0, pairs) }
  }

  /// The names of all facts that it states.
  var facts: Set<String> { Set(set.keys).union(entries.flatMap(\.facts)) }

  /// The facts that an object states.
  /// - Parameter known: the facts that are known without it.
  func read(_ object: JSONObject, known: Facts = [:]) throws -> Facts {
    try entries.reduce(into: set) { facts, entry in
      facts.merge(try entry.read(from: object, known: known.merging(facts) { $1 })) { $1 }
    }
  }

  /// The object for given facts.
  func object(for facts: Facts) -> JSONObject {
    entries.reduce(into: JSONObject()) { object, entry in
      if let value = entry.written(for: facts) { object.set(value, at: entry.key) }
    }
  }

  /// Changes an object where facts that its keys state have changed.
  func update(_ object: inout JSONObject, from old: Facts, to new: Facts) {
    for entry in entries { entry.update(&object, from: old, to: new) }
  }

  /// The keys that have to say something of given facts and cannot.
  func unsaid(_ facts: Facts, layer: Int) -> [UnsaidFacts] {
    entries.filter { $0.rule.cannotSay(facts) }
      .map { UnsaidFacts(key: $0.key, facts: facts.only($0.facts), layer: layer) }
  }
}
