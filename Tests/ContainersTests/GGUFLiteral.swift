import Tensors

@testable import Containers

/// A GGUF file put together from its parts, right or wrong.
struct GGUFLiteral {
  var magic = Array("GGUF".utf8)
  var version: UInt32 = 3
  var tensorCount: UInt64?
  var valueCount: UInt64?
  var values: [[UInt8]] = [value("general.architecture", .string, text("x"))]
  var tensors: [[UInt8]] = [tensor("a", [4], 0, at: 0)]
  var alignment = 32
  var data = [UInt8](repeating: 7, count: 32)

  static func text(_ text: String) -> [UInt8] { GGUFValue(text).bytes }

  static func number(_ number: some FixedWidthInteger) -> [UInt8] { GGUFValue.little(number) }

  static func value(_ key: String, _ type: GGUFValueType, _ bytes: [UInt8]) -> [UInt8] {
    text(key) + number(type.rawValue) + bytes
  }

  /// - Parameter extents: innermost first, as the file has them.
  static func tensor(_ name: String, _ extents: [UInt64], _ type: UInt32, at offset: UInt64)
    -> [UInt8]
  {
    text(name) + number(UInt32(extents.count)) + extents.flatMap { number($0) } + number(type)
      + number(offset)
  }

  var bytes: [UInt8] {
    var bytes = magic + Self.number(version)
    bytes += Self.number(tensorCount ?? UInt64(tensors.count))
    bytes += Self.number(valueCount ?? UInt64(values.count))
    bytes += (values + tensors).joined()
    while bytes.count % alignment != 0 { bytes.append(0) }
    return bytes + data
  }

  func read() throws -> GGUFFile {
    let storage = OwnedBytes(count: bytes.count)
    storage.mutableBytes.copyBytes(from: bytes)
    return try GGUFFile(storage, name: "literal")
  }
}
