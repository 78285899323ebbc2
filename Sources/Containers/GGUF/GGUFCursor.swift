import Diagnostics

/// Reads a GGUF header from front to back; no number in it is trusted.
struct GGUFCursor {
  let bytes: UnsafeRawBufferPointer
  private(set) var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// The number of bytes that are left.
  var remaining: Int { bytes.count - position }

  /// The next number.
  mutating func read<Number: FixedWidthInteger & BitwiseCopyable>(_: Number.Type = Number.self)
    throws -> Number
  {
    let start = position
    try skip(UInt64(MemoryLayout<Number>.size))
    return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: Number.self))
  }

  /// Steps over bytes.
  mutating func skip(_ count: UInt64) throws {
    guard count <= UInt64(remaining) else {
      throw Problem(
        .invalid, "the file ends inside its header",
        expected: "\(count) bytes from byte \(position)", found: "\(remaining) bytes")
    }
    position += Int(count)
  }

  /// The next string, which must be UTF-8.
  mutating func text() throws -> String {
    let count = try read(UInt64.self)
    let start = position
    try skip(count)
    guard let text = String(validating: bytes[start..<position], as: UTF8.self) else {
      throw Problem(
        .invalid, "a name that is not UTF-8", expected: "UTF-8", found: "bytes from \(start)")
    }
    return text
  }

  /// A count of things, each of which fills at least some bytes of what is left.
  mutating func count(of what: String, atLeast bytes: Int) throws -> Int {
    let count = try read(UInt64.self)
    guard count <= UInt64(remaining / bytes) else {
      throw Problem(
        .invalid, "more \(what) than the file has room for",
        expected: "at most \(remaining / bytes)", found: "\(count)")
    }
    return Int(count)
  }

  /// The next metadata value, its type before it.
  mutating func value() throws -> GGUFValue {
    let type = try valueType()
    let start = position
    switch type {
    case .string: try skip(try read(UInt64.self))
    case .array: try skipArray()
    default: try skip(UInt64(type.byteWidth ?? 0))
    }
    let value = GGUFValue(type: type, bytes: Array(bytes[start..<position]))
    if type == .bool, value.bytes[0] > 1 {
      throw Problem(
        .invalid, "a truth value is neither 0 nor 1", expected: "0 or 1", found: "\(value.bytes[0])"
      )
    }
    return value
  }

  private mutating func valueType() throws -> GGUFValueType {
    let code = try read(UInt32.self)
    guard let type = GGUFValueType(rawValue: code) else {
      throw Problem(
        .invalid, "an unknown type of metadata", expected: "0 to 12", found: "\(code)")
    }
    return type
  }

  private mutating func skipArray() throws {
    let type = try valueType()
    guard type != .array else {
      throw Problem(
        .unsupported, "an array of arrays in the metadata", expected: "an array of plain values")
    }
    let count = try count(of: "elements", atLeast: type.byteWidth ?? 8)
    guard let width = type.byteWidth else {
      for _ in 0..<count { try skip(try read(UInt64.self)) }
      return
    }
    try skip(UInt64(count * width))
  }
}
