import Canonical
import Diagnostics
import JSON

/// How one key of a config corresponds to facts, in both directions.
public struct ConfigEntry: Sendable {
  /// The key in its object; `/` leads into nested objects.
  public let key: String
  /// Keys that are read where `key` is missing.
  let alternativeKeys: [String]
  /// For which layers the entry holds, where it states facts of layers.
  let condition: Condition
  /// The type of the value in typed metadata, such as `u32` or `[bool]`.
  let type: String?
  /// Whether the key is not written where a missing one says the same.
  let isOmittedIfImplied: Bool
  let meaning: Meaning

  indirect enum Meaning: Sendable {
    /// The value is that of a fact.
    case fact(FactEntry)
    /// Each value stands for some facts; any other value, or none, for those of `otherwise`.
    case cases([Case], absent: JSONValue?, otherwise: Facts?)
    /// The key is always written with this value and never decides anything.
    case constant(JSONValue)
    /// The key decides nothing; this value is written where no other config gives one.
    case standard(JSONValue)
    /// The key decides nothing by itself; readers drop another one where both are there.
    case rival(String)
    /// The key decides nothing that is computed, for this reason.
    case inert(String)
    /// The key must not be there, for this reason.
    case refused(String)
    /// An object or null; `null` and `set` are what either says by itself.
    case object(null: Facts, set: Facts, entries: [ConfigEntry])
    /// One word per layer, or a rule for a missing list.
    case list([(word: JSONValue, facts: Facts)], interval: Interval?, ListForm)
    /// The indices of dense layers; every `step`-th of the others is a mixture where there are
    /// experts.
    case sparse(step: String, experts: String)
    /// The layers that have some facts, by number or as the number of the first ones.
    case indices(Indices)
    /// Objects that each name some layers.
    case groups(Groups)
    /// One object per layer; `select` names the key that tells kinds apart.
    case blocks(select: String, kinds: [(name: String, kind: BlockKind)])
  }

  struct FactEntry: Sendable {
    let fact: String
    /// What JSON null stands for; nil where null is refused.
    let null: FactValue?
    /// What a missing key stands for; nil where the key is required.
    let absent: FactValue?
    /// What is added to an integer on reading.
    let plus: Int
    /// What the value follows from where this key is null or missing.
    let derived: Derived?
    /// The fact by which the value is multiplied on reading.
    let times: String?
    /// The fact by which the value is divided on reading.
    let over: String?
    /// The fact that is subtracted from the value on reading.
    let with: String?
    /// The fewest integers of a list that is written; nil for a value that is no list.
    let listed: Int?
    /// The fact that is written in place of the one that is read.
    let written: String?
    /// How the value follows from the hidden size where it is null or missing.
    let ratio: Ratio?
    /// Whether a number is written with a fraction even where it is whole.
    let isFloat: Bool
    /// Pairs of config value and fact value; nil for the value itself.
    let map: [Case]?
  }

  /// A number that follows from another: `times` the value of a fact or key, over another fact, rounded
  /// towards zero.
  struct Derived: Sendable {
    let fact: String?
    let key: String?
    let times: Double
    let over: String?
  }

  /// How a list with one word per layer is written.
  enum ListForm: Hashable, Sendable {
    /// A list, which goes on with a word for each layer of multi-token prediction where one is given.
    case list(prediction: JSONValue?)
    /// The interval alone, under the key; reading knows no list.
    case interval
  }

  /// Two thirds of a multiple of the hidden size, rounded up: the width of a gated MLP.
  struct Ratio: Sendable {
    let key: String
    let standard: Int
    let multiple: Int
  }

  /// One value of a key and the facts it stands for.
  struct Case: Sendable {
    let value: JSONValue
    let facts: Facts
  }

  /// Every so many layers one is of another kind.
  struct Interval: Sendable {
    /// The key that states it; nil where it is fixed.
    let key: String?
    let standard: Int
    /// The word of layers interval - 1, 2 · interval - 1, …
    let every: JSONValue
    let other: JSONValue
    /// Whether the last layer is of the kind `every` where no other is.
    let hasOneAtLeast: Bool
    /// The type of the interval in typed metadata, where it is written beside the list.
    let type: String?
  }

  /// What one kind of per-layer block says.
  struct BlockKind: Sendable {
    let set: Facts
    let entries: [ConfigEntry]
  }

  /// What a list of layers, or how many come first, says of them.
  struct Indices: Sendable {
    /// Whether the value is the number of the first layers, not a list.
    let isCount: Bool
    /// The number of the first layer in a list.
    let first: Int
    /// The facts of the layers in the list.
    let set: Facts
    /// The facts of all other layers.
    let others: Facts
  }

  /// Objects that each name some layers and say what these are.
  struct Groups: Sendable {
    /// The key under which an object names its layers.
    let member: String
    /// What an object says of them.
    let kind: BlockKind
    /// The facts of all other layers.
    let others: Facts
    /// What the other lists of the config say of the named layers; nil where they say nothing.
    let insteadOf: Facts?
  }

  /// The names of the facts that the entry reads, those of nested entries among them.
  var facts: Set<String> {
    switch meaning {
    case .fact(let entry): Set([entry.fact, entry.with, entry.over].compactMap(\.self))
    case .cases(let cases, _, let otherwise):
      Set(cases.flatMap(\.facts.keys)).union((otherwise ?? [:]).keys)
    case .constant, .standard, .rival, .inert, .refused: []
    case .object(let null, let set, let entries):
      Set(null.keys).union(set.keys).union(entries.flatMap(\.facts))
    case .list(let words, _, _): Set(words.flatMap(\.facts.keys))
    case .sparse: ["mlp"]
    case .indices(let indices): Set(indices.set.keys).union(indices.others.keys)
    case .groups(let groups):
      Set(groups.kind.set.keys).union(groups.others.keys)
        .union(groups.kind.entries.flatMap(\.facts))
    case .blocks(_, let kinds):
      Set(kinds.flatMap { Array($0.kind.set.keys) + $0.kind.entries.flatMap(\.facts) })
    }
  }
}

extension ConfigEntry {
  /// Whether the entry states, by one key, a fact of every layer.
  var isForLayers: Bool { !sortsLayers && !facts.isDisjoint(with: FactNames.layer) }

  /// Whether the entry says of each layer what it is.
  var sortsLayers: Bool {
    switch meaning {
    case .list, .sparse, .indices, .groups, .blocks: true
    case .fact, .cases, .object, .constant, .standard, .rival, .inert, .refused: false
    }
  }

  /// Whether the key says nothing of a model, so that it travels like one that nobody knows.
  var isInert: Bool {
    switch meaning {
    case .inert, .refused: true
    default: false
    }
  }

  /// The outermost key.
  var topKey: String { String(key.prefix { $0 != "/" }) }

  /// The value under the key or the first alternative that is there.
  func lookup(_ object: JSONObject) -> JSONValue? {
    ([key] + alternativeKeys).lazy.compactMap { object.value(at: $0) }.first
  }
}

extension JSONObject {
  /// The value at a path of keys; nil where a part of the path is missing or no object.
  func value(at path: String) -> JSONValue? {
    path.split(separator: "/").reduce(JSONValue.object(self) as JSONValue?) { value, key in
      guard case .object(let object)? = value else { return nil }
      return object[String(key)]
    }
  }

  /// Puts a value at a path of keys, making objects on the way.
  mutating func set(_ value: JSONValue, at path: String) {
    guard let slash = path.firstIndex(of: "/") else { return self[path] = value }
    let key = String(path[..<slash])
    var inner = JSONObject()
    if case .object(let object)? = self[key] { inner = object }
    inner.set(value, at: String(path[path.index(after: slash)...]))
    self[key] = .object(inner)
  }
}

extension FactValue {
  /// The list that a word such as `11,11,10` stands for, with zeros at its end.
  func integers(atLeast count: Int) -> JSONValue? {
    guard case .word(let word) = self else { return nil }
    let numbers = word.split(separator: ",").compactMap { Int($0) }
    let zeros = Array(repeating: 0, count: max(count - numbers.count, 0))
    return .array((numbers + zeros).map { JSONValue($0) })
  }

  /// The fact value of a JSON scalar; nil for anything else.
  init?(_ value: JSONValue) {
    switch value {
    case .null: self = .none
    case .bool(let flag): self = .flag(flag)
    case .integer(let number): self = .integer(Int(number))
    case .double(let number, _): self = .number(number)
    case .string(let word): self = .word(word)
    case .unsigned, .notFinite, .array, .object: return nil
    }
  }

  /// The JSON scalar that stands for the value; a whole number is written without a fraction.
  public var json: JSONValue {
    switch self {
    case .none: .null
    case .flag(let flag): .bool(flag)
    case .integer(let number): .integer(Int64(number))
    case .number(let number): Self.json(number)
    case .word(let word): .string(word)
    }
  }

  private static func json(_ number: Double) -> JSONValue {
    if number == number.rounded(), abs(number) < 1e15 { return .integer(Int64(number)) }
    return JSONValue(number)
  }
}
