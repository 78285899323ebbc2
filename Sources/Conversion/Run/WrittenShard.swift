import JSON
import Layouts
import Packing

/// What is known of a tensor that was written.
struct WrittenTensor: Hashable, Sendable {
  let name: String
  /// The hash of its bytes.
  let hash: String
  /// The hashes of canonical tensors in it, by role, as far as they came up while it was written.
  let roles: [String: String]
  /// How many values a cast changed.
  let changed: Int
  /// How far values are from those that were quantised; nil for a tensor that holds none.
  var rounding: RoundingError?
}

/// What is known of a weight file that was written: enough to recognise it, and for the record.
struct WrittenShard: Hashable, Sendable {
  let fileName: String
  /// - Units: bytes.
  let size: Int
  let tensors: [WrittenTensor]
  /// The hashes of tensors of the source, as far as they came up while it was written.
  let sources: [String: String]
}

extension WrittenTensor {
  init?(_ value: JSONValue) {
    guard let name = value["name"]?.string, let hash = value["sha256"]?.string,
      let changed = value["changed"]?.int, let roles = value["roles"]?.hashes
    else { return nil }
    self.init(
      name: name, hash: hash, roles: roles, changed: changed,
      rounding: value["rounding"].flatMap(RoundingError.init))
  }

  var json: JSONValue {
    var object: JSONObject = [
      "name": .string(name), "sha256": .string(hash), "roles": .hashes(roles),
      "changed": JSONValue(changed),
    ]
    object["rounding"] = rounding?.json
    return .object(object)
  }
}

extension RoundingError {
  fileprivate init?(_ value: JSONValue) {
    guard let energy = value["energy"]?.number, let error = value["error"]?.number else {
      return nil
    }
    self.init(energy: energy, error: error)
  }

  fileprivate var json: JSONValue {
    .object(["energy": JSONValue(energy), "error": JSONValue(error)])
  }
}

extension WrittenShard {
  init?(_ value: JSONValue) {
    guard let fileName = value["file"]?.string, let size = value["bytes"]?.int,
      let entries = value["tensors"]?.array, let sources = value["sources"]?.hashes
    else { return nil }
    let tensors = entries.compactMap(WrittenTensor.init)
    guard tensors.count == entries.count else { return nil }
    self.init(fileName: fileName, size: size, tensors: tensors, sources: sources)
  }

  var json: JSONValue {
    .object([
      "file": .string(fileName), "bytes": JSONValue(size),
      "tensors": .array(tensors.map(\.json)), "sources": .hashes(sources),
    ])
  }
}

extension JSONValue {
  fileprivate var hashes: [String: String]? {
    object.map { object in
      Dictionary(
        object.entries.compactMap { key, value in value.string.map { (key, $0) } },
        uniquingKeysWith: { first, _ in first })
    }
  }

  fileprivate static func hashes(_ hashes: [String: String]) -> JSONValue {
    .object(JSONObject(hashes.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
  }
}
