import Canonical
import Diagnostics
import JSON

/// `groups`: one object, or a list of objects, that each name some layers and say what these are.
///
/// With `instead_of` the named layers are exceptions: the other keys say that of them, and the key is
/// left out where there are none.
struct GroupsRule: LayerRule {
  static let tellingKeys = ["groups"]

  let key: ConfigKey
  /// The key under which an object names its layers.
  private let member: String
  /// What an object says of them.
  private let content: FactObject
  /// The facts of all other layers.
  private let others: Facts
  /// What the other keys of the config say of the named layers; nil where they say nothing.
  private let insteadOf: Facts?

  init(_ object: inout FormatObject, at key: ConfigKey, _ pairs: SharedPairs) throws {
    self.key = key
    (member, content, others, insteadOf) = try object.required("groups") { value in
      var groups = try FormatObject(value, "groups")
      let content = try FactObject(&groups, pairs)
      let member = try groups.string("member")
      let others = try groups.facts("others")
      let insteadOf = try groups.optional("instead_of", FormatValue.facts)
      try groups.finish()
      guard insteadOf == nil || others.isEmpty else {
        throw FormatValue.wrong(value, "others or instead_of")
      }
      return (member, content, others, insteadOf)
    }
  }

  var facts: Set<String> { content.facts.union(others.keys) }
  var exceptions: LayerExceptions? {
    insteadOf.map { LayerExceptions(set: content.set, insteadOf: $0) }
  }

  func readLayers(from object: JSONObject, known facts: Facts) throws -> [Facts] {
    let value = key.value(in: object) ?? .null
    if insteadOf != nil, value == .null { return [] }
    var layers = Array(repeating: others, count: try LayerCount.checked(facts))
    for group in try ConfigValue.objects(value, at: key.path) {
      let facts = try content.read(group)
      for layer in try ConfigValue.integers(group[member] ?? .null, at: "\(key.path)/\(member)") {
        guard layers.indices.contains(layer), layers[layer] == others else {
          throw Problem(
            .invalid, "\(key.path): a layer does not exist or is named twice", layer: layer)
        }
        layers[layer] = facts
      }
    }
    return layers
  }

  /// Objects that name the layers with the same facts; null for none, or nothing where the key is
  /// about exceptions.
  func value(for layers: LayerFacts) -> JSONValue? {
    var order: [JSONObject] = []
    var members: [[JSONValue]] = []
    for (layer, facts) in layers.layers.enumerated() where content.set.agree(with: facts) {
      let object = content.object(for: facts)
      let place = order.firstIndex(of: object) ?? order.endIndex
      if place == order.endIndex {
        order.append(object)
        members.append([])
      }
      members[place].append(JSONValue(layer))
    }
    let list = zip(order, members).map { object, layers in
      JSONValue.object(
        JSONObject([(member, .array(layers))] + object.entries.map { ($0.key, $0.value) }))
    }
    guard let first = list.first else { return insteadOf == nil ? .some(.null) : .none }
    return list.count > 1 ? .array(list) : first
  }

  func unsaid(_ layers: LayerFacts) -> [UnsaidFacts] {
    UnsaidFacts.keeping(layers.layers, from: [content.set, others], at: key)
  }
}
