import Containers
import Foundation
import GraftTestSupport
import JSON
import SystemPackage

/// Faults of configs, wherever they are stored.
extension Planting {
  /// Changes the keys of these names wherever they occur.
  func changeConfig(_ keys: [String], _ value: JSONValue) throws {
    if opened.checkpoint.container == .gguf { return try changeMetadata(keys, value) }
    var found = false
    try copy.editConfig { config in
      config = Self.changed(config, keys, value, &found)
    }
    guard found else { throw NotApplicable() }
  }

  /// Removes keys at the top.
  func dropKeys(_ keys: [String]) throws {
    var found = false
    guard opened.checkpoint.container != .gguf else { throw NotApplicable() }
    try copy.editConfig { config in
      for key in keys where config[key] != nil { (config[key], found) = (nil, true) }
    }
    guard found else { throw NotApplicable() }
  }

  private static func changed(
    _ json: JSONValue, _ keys: [String], _ value: JSONValue, _ found: inout Bool
  ) -> JSONValue {
    if let items = json.array { return .array(items.map { changed($0, keys, value, &found) }) }
    guard let object = json.object else { return json }
    var result = JSONObject()
    for (key, member) in object.entries {
      guard keys.contains(key), let new = replacement(member, value), new != member else {
        result[key] = changed(member, keys, value, &found)
        continue
      }
      result[key] = new
      found = true
    }
    return .object(result)
  }

  /// What a key says afterwards; nil where it is of another kind.
  private static func replacement(_ old: JSONValue, _ value: JSONValue) -> JSONValue? {
    switch value.string {
    case "-1": return old.int.map { JSONValue($0 - 1) }
    case "+1": return old.int.map { JSONValue($0 + 1) }
    case "rotate": return old.array.map { .array(Array($0.dropFirst() + $0.prefix(1))) }
    default: return old.number != nil && (value.number ?? old.number) == old.number ? nil : value
    }
  }

  /// Changes numbers among the metadata of a GGUF file, in place.
  private func changeMetadata(_ keys: [String], _ value: JSONValue) throws {
    let name = opened.checkpoint.weightFiles.first ?? ""
    var bytes = try copy.bytes(name)
    var found = false
    for key in keys {
      guard let range = Data(bytes).range(of: Data((".\(key)").utf8)) else { continue }
      let place = range.upperBound + 4
      let old = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[place + $1]) << (8 * UInt32($1)) }
      guard let new = Self.bits(old, type: bytes[range.upperBound], value) else { continue }
      for index in 0..<4 {
        bytes[place + index] = UInt8(truncatingIfNeeded: new >> (8 * UInt32(index)))
      }
      found = found || new != old
    }
    guard found else { throw NotApplicable() }
    try copy.write(name, bytes)
  }

  /// The bits of a number of the metadata: 4 is UINT32, 6 is FLOAT32, 7 is a truth value in the first byte.
  private static func bits(_ old: UInt32, type: UInt8, _ value: JSONValue) -> UInt32? {
    switch (type, value.string, value.number) {
    case (4, "-1", _): old - 1
    case (4, "+1", _): old + 1
    case (4, nil, let number?): UInt32(number)
    case (6, nil, let number?): Float(number).bitPattern
    case (7, nil, nil): value.bool.map { old & ~0xff | ($0 ? 1 : 0) }
    default: nil
    }
  }
}
