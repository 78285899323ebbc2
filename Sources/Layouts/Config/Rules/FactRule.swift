import Canonical
import Diagnostics
import JSON

/// A key with none of the keys that tell another kind: its value is that of a fact.
///
/// On reading, a value that is there is taken as it is, through a map or as a list; then arithmetic
/// makes the fact of it. A value that is missing may follow from others. Writing goes the other way.
struct FactRule: ConfigRule {
  static let tellingKeys: [String] = []

  private let key: ConfigKey
  private let fact: String
  /// The fact that is written in place of the one that is read.
  private let written: String?
  /// What JSON null stands for; nil where null is refused.
  private let null: FactValue?
  /// What a missing key stands for; nil where the key is required.
  private let absent: FactValue?
  /// What the value follows from where the key is null or missing.
  private let derived: DerivedNumber?
  /// How the value follows from the hidden size where it is null or missing.
  private let ratio: HiddenRatio?
  private let arithmetic: FactArithmetic
  /// The fewest integers of a list that is written; nil for a value that is no list.
  private let listed: Int?
  /// Whether such a list may be read with fewer.
  private let mayBeShorter: Bool
  /// Whether a list stands for its first value.
  private let takesFirst: Bool
  /// Whether a number is written with a fraction even where it is whole.
  private let isFloat: Bool
  /// Pairs of config value and fact value; nil for the value itself.
  private let map: [ValueCase]?

  init(_ object: inout FormatObject, at key: ConfigKey, _ pairs: SharedPairs) throws {
    self.key = key
    let fact = try Self.fact(&object)
    self.fact = fact
    map = try object.optional("map") { try Self.map(FormatValue.string($0), pairs, to: fact) }
    null = try object.scalar("null")
    absent = try object.scalar("absent")
    arithmetic = try FactArithmetic(&object, at: key)
    derived = try object.optional("derived", DerivedNumber.init)
    listed = try object.optional("listed", FormatValue.integer)
    try FormatLimits.check(listed ?? 0, .entries, at: "listed")
    mayBeShorter = try object.flag("shorter")
    written = try object.optional("written", FormatValue.fact(file:))
    ratio = try object.optional("ratio", HiddenRatio.init)
    isFloat = try object.flag("float")
    takesFirst = try object.flag("first")
  }

  /// The fact that a key states: one that Graft knows, or a size that only the layout knows.
  private static func fact(_ object: inout FormatObject) throws -> String {
    let size = try object.optional("size") { value in
      let symbol = try FormatValue.string(value)
      guard !RoleTable.modelSymbols.contains(symbol), (try? SizeExpression(symbol)) != nil else {
        throw FormatValue.wrong(value, "a symbol that no other size has")
      }
      return ModelConfiguration.sizePrefix + symbol
    }
    return try size ?? object.required("fact", FormatValue.fact(file:))
  }

  private static func map(_ name: String, _ pairs: SharedPairs, to fact: String) throws
    -> [ValueCase]
  {
    guard let map = pairs.maps[name] else {
      throw Problem(.invalid, "a layout file names an unknown map", found: name)
    }
    return try map.map { pair in
      guard let value = FactValue(pair[1]) else {
        throw FormatValue.wrong(.array(pair), "[config value, fact value]")
      }
      return ValueCase(value: pair[0], facts: [fact: value])
    }
  }

  var facts: Set<String> { Set([fact] + arithmetic.facts) }
  var statedFact: String? { fact }
  var isReadAsWritten: Bool { written == nil }
  var helperKeys: [String] { [derived?.key, ratio?.key].compactMap(\.self) }

  // MARK: Reading

  func read(from object: JSONObject, known facts: Facts) throws -> Facts {
    var value = key.value(in: object)
    if takesFirst, case .array(let list)? = value { value = list.first ?? .null }
    if value == nil || value == .null, let number = try following(from: object, facts) {
      return [fact: number]
    }
    return [fact: try arithmetic.fact(stated(value), known: facts)]
  }

  /// What a value that is null or missing follows from; nil where it stands for itself.
  private func following(from object: JSONObject, _ facts: Facts) throws -> FactValue? {
    if let derived, absent == nil || derived.base(object, facts) != nil {
      return try derived.value(object, facts)
    }
    return try ratio?.value(object, facts)
  }

  private func stated(_ value: JSONValue?) throws -> FactValue {
    guard let value else {
      guard let absent else { throw ConfigValue.missing(key.path) }
      return absent
    }
    if value == .null, let null { return null }
    if value == .null, absent == FactValue.none { return .none }
    if let listed {
      let numbers = try ConfigValue.integers(value, at: key.path)
      // Most readers take as many numbers as there must be, and fail where one is missing.
      guard numbers.count >= listed || mayBeShorter else {
        throw ConfigValue.wrongType(
          value, at: key.path, expected: "a list of \(listed) whole numbers")
      }
      // A list that is filled up to no length has its zeros for themselves.
      return FactValue(integers: numbers, keepsZeros: listed == 0)
    }
    if let map {
      guard let fact = map.first(where: { $0.value == value })?.facts[fact] else {
        throw ValueCase.unknown(value, at: key, of: map)
      }
      return fact
    }
    guard let fact = FactValue(value), kind.holds(fact) else {
      throw ConfigValue.wrongType(value, at: key.path, expected: kind.text)
    }
    return arithmetic.added(fact)
  }

  /// The kind of the value itself; one that is multiplied by a fact may have a fraction where the layout says so.
  private var kind: FactKind {
    arithmetic.multiplies && isFloat ? .number : FactNames.kind(of: fact) ?? .word
  }

  // MARK: Writing

  /// What a new config says of a size of the layout that the model does not have, because it comes from
  /// another layout.
  private var standardSize: FactValue? {
    fact.hasPrefix(ModelConfiguration.sizePrefix) ? absent ?? .integer(1) : nil
  }

  func value(for facts: Facts) -> JSONValue? {
    let fact = facts[written ?? self.fact] ?? standardSize ?? .none
    if let (product, factor) = arithmetic.product(fact, facts) {
      if isFloat { return JSONValue(Double(product) / Double(factor)) }
      guard product.isMultiple(of: factor) else { return nil }
      return JSONValue(product / factor)
    }
    if let listed { return fact.integers(atLeast: listed) }
    if let null, null.means(fact) { return .null }
    if fact == .none { return nil }
    if let map { return map.first { $0.facts[self.fact] == fact }?.value }
    if case .integer(let number) = fact { return arithmetic.value(number, facts) }
    if isFloat, case .number(let number) = fact { return JSONValue(number) }
    return fact.json
  }
}
