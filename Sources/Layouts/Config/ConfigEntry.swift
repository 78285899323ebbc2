import Canonical
import Diagnostics
import JSON

/// One key of a config: where it stands, when it holds, and the rule by which its value corresponds to
/// facts.
public struct ConfigEntry: Sendable {
  /// Where the value stands.
  let place: ConfigKey
  /// The layers to which the entry applies, if it states facts of layers.
  let condition: Condition
  /// The type of the value in typed metadata, such as `u32` or `[bool]`.
  let type: String?
  /// Whether the key is not written where a missing one says the same.
  let isOmittedIfImplied: Bool
  /// What the value says.
  let rule: any ConfigRule
  /// The same rule where it says of each layer what it is.
  let layerRule: (any LayerRule)?
  /// The names of the facts that the rule reads.
  let facts: Set<String>
  /// Whether the entry states, by one value, a fact of every layer.
  let isForLayers: Bool

  /// The key in its object; `/` leads into nested objects.
  public var key: String { place.path }

  /// The kinds of rules, told by their keys in this order; a key with none of these states a fact.
  static let kinds: [any ConfigRule.Type] = [
    ConstantRule.self, RivalRule.self, InertRule.self, RefusedRule.self, CasesRule.self,
    EchoRule.self, WidthRule.self,
    ObjectRule.self, SparseRule.self, NumbersRule.self, IndicesRule.self, GroupsRule.self,
    WordsRule.self,
    BlocksRule.self,
  ]

  /// Reads what a layout file says of a key; `[key, fact]` is short for a key that states a fact.
  init(_ value: JSONValue, _ pairs: SharedPairs) throws {
    if case .array(let pair) = value, pair.count == 2 {
      self = try Self(.object(["key": pair[0], "fact": pair[1]]), pairs)
      return
    }
    var object = try FormatObject(value, "a config key")
    place = ConfigKey(
      path: try object.string("key"), superior: try object.strings("before"),
      alternatives: try object.strings("or"))
    condition = try object.condition()
    type = try object.optional("as", MetadataType.checked)
    isOmittedIfImplied = try object.flag("omit")
    let kind = Self.kinds.first { $0.tellingKeys.contains { object.optional($0) != nil } }
    rule = try (kind ?? FactRule.self).init(&object, at: place, pairs)
    try object.finish()
    layerRule = rule as? any LayerRule
    facts = rule.facts
    isForLayers = layerRule == nil && !facts.isDisjoint(with: FactNames.layer)
    guard layerRule != nil, let stray = facts.subtracting(FactNames.layer).min() else { return }
    throw Problem(
      .invalid, "a layout file states a fact of the model layer by layer",
      found: "\(key): \(stray)")
  }

  /// The facts that an object states by one value.
  /// - Parameter known: the facts that are known so far.
  /// - Throws: `Problem` of kind `invalid` for a missing key or a value of the wrong type,
  ///   `unsupported` for a value that the layout does not know.
  func read(from object: JSONObject, known: Facts) throws -> Facts {
    try rule.read(from: object, known: known)
  }

  /// The value that a new config has for given facts; nil where it has none.
  func written(for facts: Facts) -> JSONValue? {
    if isOmittedIfImplied, let implied = try? read(from: JSONObject(), known: facts),
      implied.agree(with: facts)
    {
      return nil
    }
    return value(for: facts)
  }

  /// The value for given facts; nil where no value stands for them.
  private func value(for facts: Facts) -> JSONValue? {
    let value = rule.value(for: facts)
    guard type == "f32", let number = value?.number else { return value }
    return JSONValue(Double("\(Float(number))") ?? number)
  }

  /// Changes an object where facts that this entry states have changed.
  func update(_ object: inout JSONObject, from old: Facts, to new: Facts) {
    let changed = facts.contains { !(old[$0] ?? .none).means(new[$0] ?? .none) }
    if changed, let value = value(for: new) { place.put(value, into: &object) }
  }

  /// Refuses a fact of a layer that an earlier key states otherwise.
  /// - Parameter stated: the keys that state facts, by fact; this entry is added.
  func checkAgreement(
    _ values: Facts, with layer: Facts, in object: JSONObject, _ stated: inout [String: String]
  ) throws {
    guard let name = rule.statedFact, place.given(in: object) != nil, let fact = values[name]
    else { return }
    if let earlier = stated[name], let other = layer[name], other != fact {
      throw ConfigValue.contradiction("\(earlier): \(other.text)", "\(key): \(fact.text)")
    }
    stated[name] = key
  }
}
