import Canonical
import Diagnostics
import JSON

/// `indices`: the value lists layers by number, or says how many come first.
struct IndicesRule: LayerRule {
  static let tellingKeys = ["indices"]

  let key: ConfigKey
  /// Whether the value is the number of the first layers, not a list.
  private let isCount: Bool
  /// The number of the first layer in a list.
  private let first: Int
  /// The number of layers that a missing key stands for; nil where it says nothing.
  private let absent: Int?
  /// The key that speaks where this one is missing.
  private let deputy: String?
  /// The facts of the layers in the list.
  private let set: Facts
  /// The facts of all other layers.
  private let others: Facts
  /// Whether an empty list is not written.
  private let isOptional: Bool

  init(_ object: inout FormatObject, at key: ConfigKey, _ pairs: SharedPairs) throws {
    self.key = key
    (isCount, first, absent, deputy, set, others, isOptional) = try object.required("indices") {
      value in
      var indices = try FormatObject(value, "indices")
      let isCount = try indices.flag("count")
      let first = isCount ? 0 : try indices.integer("first")
      guard (0...1).contains(first) else { throw FormatValue.wrong(value, "0 or 1 as first") }
      let absent = try indices.optional("absent", FormatValue.integer)
      let deputy = try indices.optionalString("unless")
      let (set, others) = (try indices.facts("set"), try indices.facts("others"))
      let isOptional = try indices.flag("optional")
      try indices.finish()
      guard absent == nil || isCount else {
        throw FormatValue.wrong(value, "absent beside count alone")
      }
      return (isCount, first, absent, deputy, set, others, isOptional)
    }
  }

  var facts: Set<String> { Set(set.keys).union(others.keys) }
  var helperKeys: [String] { [deputy].compactMap(\.self) }

  func readLayers(from object: JSONObject, known facts: Facts) throws -> [Facts] {
    guard let value = key.given(in: object) ?? missing(in: object) else { return [] }
    let count = try LayerCount.checked(facts)
    let named = try isCount ? Array(0..<min(number(value), count)) : layers(value, count: count)
    return (0..<count).map { named.contains($0) ? set : others }
  }

  private func number(_ value: JSONValue) throws -> Int {
    guard let number = value.int else {
      throw ConfigValue.wrongType(value, at: key.path, expected: FactKind.integer.text)
    }
    guard number >= 0 else {
      throw ConfigValue.outOfRange(number, at: key.path, expected: "0 or more")
    }
    return number
  }

  /// What a missing key stands for; nil where another key speaks.
  private func missing(in object: JSONObject) -> JSONValue? {
    guard let absent, deputy.flatMap(object.value(at:)) == nil else { return nil }
    return JSONValue(absent)
  }

  /// The numbers of layers in a list, counted from 0.
  private func layers(_ value: JSONValue, count: Int) throws -> [Int] {
    let named = try ConfigValue.integers(value, at: key.path)
      .map { $0.subtractingReportingOverflow(first).partialValue }
    guard named.allSatisfy((0..<count).contains), Set(named).count == named.count else {
      throw Problem(
        .invalid, "\(key.path): a layer does not exist or is named twice",
        expected: "numbers from \(first) to \(first + count - 1), each once at most",
        found: value.text(indent: 0))
    }
    return named
  }

  func value(for layers: LayerFacts) -> JSONValue? {
    let named = layers.layers.indices.filter { layer in
      set.distance(to: layers.layers[layer]) < others.distance(to: layers.layers[layer])
    }
    if isOptional, named.isEmpty { return nil }
    guard isCount else { return .array(named.map { JSONValue($0 + first) }) }
    // Where others come between, no number says so: it is for another key, or the model does not fit.
    guard named == Array(0..<named.count) else { return nil }
    return JSONValue(named.count)
  }

  func unsaid(_ layers: LayerFacts) -> [UnsaidFacts] {
    UnsaidFacts.keeping(layers.layers, from: [set, others], at: key)
  }
}
