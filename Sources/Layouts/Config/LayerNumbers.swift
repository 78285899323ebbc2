import Diagnostics
import JSON

/// A key under which some files give a number for each layer, where one for all layers is read.
///
/// A zero stands for a layer that has none of what is counted; all other numbers must be alike.
struct LayerNumbers: Sendable {
  /// The key.
  let key: String
  /// The key of the number of layers, which a list must have.
  let layers: String
  /// The key of a list that says `true` of the layers with a zero, where it is missing; nil where zeros
  /// tell nothing.
  let zero: String?

  init(_ value: JSONValue) throws {
    var object = try FormatObject(value, "a key by layer")
    key = try object.string("key")
    layers = try object.string("layers")
    zero = try object.optionalString("zero")
    try object.finish()
  }

  /// The same config with one number under the key, and with the list that its zeros say.
  /// - Throws: `Problem` of kind `unsupported` where layers have different numbers.
  func folded(_ object: JSONObject) throws -> JSONObject {
    guard case .array(let list)? = object[key], list.count == object[layers]?.int else {
      return object
    }
    let counts = list.filter { $0 != 0 }
    let number = counts.first ?? 0
    guard counts.allSatisfy({ $0 == number }) else {
      throw Problem(
        .unsupported, "\(key): layers have different numbers",
        expected: "one number, and zero for layers without",
        found: JSONValue.array(list).text(indent: 0))
    }
    var object = object
    object[key] = number
    if let zero, object[zero] == nil, counts.count < list.count {
      object[zero] = .array(list.map { .bool($0 == 0) })
    }
    return object
  }
}
