import Diagnostics
import JSON

/// What several layouts say in the same words: config keys and tensors of one kind of layer.
///
/// A layout that uses a part says under which names its tensors stand there.
public struct LayoutPart: Sendable {
  /// The name by which layouts use it.
  public let name: String
  private let keys: [JSONValue]
  private let tensors: [JSONValue]

  /// Reads a part.
  /// - Throws: `Problem` of kind `invalid` for anything the file should not say.
  public init(parsing bytes: [UInt8]) throws {
    var file = try FormatObject(JSONValue(parsing: bytes), "the top level")
    name = try file.string("part")
    _ = try file.string("about")
    keys = try file.array("keys")
    tensors = try file.array("tensors")
    try file.finish()
  }

  /// A layout file with the parts it uses at the end of its config keys and of its tensors.
  /// - Throws: `Problem` of kind `invalid` for a part nobody knows.
  static func completed(_ file: JSONValue, _ parts: [LayoutPart]) throws -> JSONValue {
    guard var object = file.object, let uses = object["parts"] else { return file }
    guard case .object(let uses) = uses else {
      throw FormatValue.wrong(uses, "names of parts and what {place} stands for")
    }
    for (name, place) in uses.entries {
      guard let part = parts.first(where: { $0.name == name }) else {
        throw Problem(.invalid, "a layout file names an unknown part", found: name)
      }
      let place = try FormatValue.string(place)
      object.append(part.keys, at: ["config", "keys"], place)
      object.append(part.tensors, at: ["tensors"], place)
    }
    object["parts"] = nil
    return .object(object)
  }
}

extension JSONObject {
  /// Puts values at the end of a list that stands at a path of keys.
  fileprivate mutating func append(_ values: [JSONValue], at path: [String], _ place: String) {
    guard let key = path.first else { return }
    if case .object(var inner)? = self[key], path.count > 1 {
      inner.append(values, at: Array(path.dropFirst()), place)
      self[key] = .object(inner)
    } else if case .array(let list)? = self[key] {
      self[key] = .array(list + values.map { $0.replacing("{place}", with: place) })
    }
  }
}
