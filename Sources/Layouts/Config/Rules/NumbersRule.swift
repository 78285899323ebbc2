import Canonical
import Diagnostics
import JSON

/// `numbers`: the value lists a number for each layer, with zero for layers that have none; one number counts for
/// all.
struct NumbersRule: LayerRule {
  static let tellingKeys = ["numbers"]

  let key: ConfigKey
  private let fact: String
  /// The layers that have a number.
  private let condition: Condition

  init(_ object: inout FormatObject, at key: ConfigKey, _ pairs: SharedPairs) throws {
    self.key = key
    (fact, condition) = try object.required("numbers") { value in
      var numbers = try FormatObject(value, "numbers")
      let fact = try numbers.required("fact", FormatValue.fact(file:))
      let condition = try numbers.required("of", Condition.init(file:))
      try numbers.finish()
      return (fact, condition)
    }
  }

  var facts: Set<String> { [fact] }

  func readLayers(from object: JSONObject, known facts: Facts) throws -> [Facts] {
    let count = try LayerCount.checked(facts)
    guard let value = key.given(in: object) else { return [] }
    let numbers =
      try value.int.map { Array(repeating: $0, count: count) }
      ?? ConfigValue.integers(value, at: key.path)
    guard numbers.count == count else {
      throw Problem(
        .invalid, "lists of layers differ in length", expected: "\(count)",
        found: "\(key.path) has \(numbers.count)")
    }
    return numbers.map { $0 == 0 ? [:] : [fact: .integer($0)] }
  }

  func value(for layers: LayerFacts) -> JSONValue? {
    .array(
      layers.layers.map { layer in
        guard condition.holds(layer), case .integer(let number)? = layer[fact] else { return 0 }
        return JSONValue(number)
      })
  }
}
