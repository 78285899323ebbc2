import Canonical
import JSON

/// `sparse`: the value lists layers that are dense; every `step`-th of the others is a mixture where
/// there are experts.
struct SparseRule: LayerRule {
  static let tellingKeys = ["sparse"]

  let key: ConfigKey
  /// The key that states the step.
  private let step: String
  /// The key that states the number of experts.
  private let experts: String

  init(_ object: inout FormatObject, at key: ConfigKey, _ pairs: SharedPairs) throws {
    self.key = key
    (step, experts) = try object.required("sparse") { value in
      var sparse = try FormatObject(value, "sparse")
      let keys = (try sparse.string("step"), try sparse.string("experts"))
      try sparse.finish()
      return keys
    }
  }

  private static let fact = "mlp"

  var facts: Set<String> { [Self.fact] }
  var helperKeys: [String] { [step, experts] }

  func readLayers(from object: JSONObject, known facts: Facts) throws -> [Facts] {
    let count = try LayerCount.checked(facts)
    // The original only asks whether a layer is in the list: numbers that are no layers have no meaning.
    let dense = Set(
      try key.given(in: object).map { try ConfigValue.integers($0, at: key.path) } ?? [])
    let step = try object.integer(at: step, in: 1...) ?? 1
    let hasExperts = try object.integer(at: experts, in: 0...) ?? 0 > 0
    return (0..<count).map { layer in
      let isSparse = hasExperts && !dense.contains(layer) && (layer + 1) % step == 0
      return [Self.fact: .word(isSparse ? "moe" : "dense")]
    }
  }

  func value(for layers: LayerFacts) -> JSONValue? {
    let dense = layers.layers.indices.filter { layers.layers[$0][Self.fact] != .word("moe") }
    return .array(dense.map { JSONValue($0) })
  }
}
