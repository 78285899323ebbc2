import Canonical
import Diagnostics
import JSON

/// A rule of a key that says of each layer what it is.
protocol LayerRule: ConfigRule {
  /// Where the value stands.
  var key: ConfigKey { get }

  /// The interval that may stand in place of the value or beside it.
  var interval: LayerInterval? { get }

  /// What the rule says of layers that stand instead of others.
  var exceptions: LayerExceptions? { get }

  /// The facts that the value states, layer by layer.
  /// - Parameter facts: those of the model, the number of layers among them where a key gives it.
  func readLayers(from object: JSONObject, known facts: Facts) throws -> [Facts]

  /// The value for the layers of a model; nil where none stands for them.
  func value(for layers: LayerFacts) -> JSONValue?

  /// Puts the value for the layers of a model into a new config.
  func write(_ layers: LayerFacts, into object: inout JSONObject)

  /// Changes an object where layers are something else now.
  func update(_ object: inout JSONObject, from old: LayerFacts, to new: LayerFacts)

  /// What the rule has no words for.
  func unsaid(_ layers: LayerFacts) -> [UnsaidFacts]
}

extension LayerRule {
  var interval: LayerInterval? { nil }
  var exceptions: LayerExceptions? { nil }

  func write(_ layers: LayerFacts, into object: inout JSONObject) {
    if let value = value(for: layers) { object.set(value, at: key.path) }
  }

  func update(_ object: inout JSONObject, from old: LayerFacts, to new: LayerFacts) {
    let after = value(for: new)
    guard value(for: old) != after, after != nil || exceptions != nil else { return }
    object[key.place(in: object)] = after
  }

  func unsaid(_ layers: LayerFacts) -> [UnsaidFacts] { [] }
}

/// The facts of the layers of a model, as the keys of a config state them.
struct LayerFacts: Hashable, Sendable {
  /// The facts, layer by layer.
  var layers: [Facts]
  /// The number of layers of multi-token prediction behind them.
  let predictions: Int
}

/// Layers that one key names as exceptions to what the other keys of the config say.
struct LayerExceptions: Hashable, Sendable {
  /// What the layers are.
  let set: Facts
  /// What the other keys say of them.
  let insteadOf: Facts

  /// The facts of a layer as the other keys state them.
  func hidden(_ layer: Facts) -> Facts? {
    set.agree(with: layer) ? layer.merging(insteadOf) { $1 } : nil
  }

  /// Checks that layers named as exceptions are what the other keys must say of them.
  /// - Throws: `Problem` of kind `invalid` where one is not.
  func check(_ list: [Facts], from layers: [Facts], at key: ConfigKey) throws {
    for index in list.indices where !list[index].isEmpty {
      guard insteadOf.agree(with: layers[index]) else {
        throw Problem(
          .invalid, "\(key.path): the other keys say that a layer is of another kind",
          layer: index, expected: insteadOf.summary,
          found: layers[index].filter { insteadOf[$0.key] != nil }.summary)
      }
    }
  }
}

/// The number of layers for which lists are made up.
enum LayerCount {
  static let range = 0...(1 << 14)

  /// The number among the facts of a model.
  /// - Throws: `Problem` of kind `invalid` where there is none, or one out of range.
  static func checked(_ facts: Facts) throws -> Int {
    let count = facts["layers"]
    guard case .integer(let number)? = count, range.contains(number) else {
      throw Problem(.invalid, "the number of layers is out of range", found: count?.text)
    }
    return number
  }
}
