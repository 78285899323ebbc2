import Diagnostics
import JSON

/// A metadata value of a GGUF file: its type and the bytes that follow the type in the file.
///
/// ```
/// number, bool   little-endian
/// string         u64 count, UTF-8
/// array          u32 type of the elements, u64 count, elements without types
/// ```
public struct GGUFValue: Hashable, Sendable {
  /// The type.
  public let type: GGUFValueType
  /// The value as it is stored.
  public let bytes: [UInt8]

  /// A value whose bytes were checked.
  init(type: GGUFValueType, bytes: [UInt8]) {
    self.type = type
    self.bytes = bytes
  }

  /// A string.
  public init(_ text: String) { self.init(type: .string, bytes: Self.bytes(text)) }

  /// An array of strings.
  public init(_ texts: [String]) {
    var bytes = Self.arrayHead(.string, texts.count)
    for text in texts { bytes += Self.bytes(text) }
    self.init(type: .array, bytes: bytes)
  }

  /// A number, truth value, string or array in the type of a name, such as `u32` or `[bool]`.
  /// - Throws: `Problem` of kind `unsupported` where the type does not hold the value.
  public init(_ value: JSONValue, as name: String) throws {
    let isArray = name.hasPrefix("[") && name.hasSuffix("]")
    guard let type = GGUFValueType(name: isArray ? String(name.dropFirst().dropLast()) : name),
      let bytes = isArray ? Self.array(value, type) : Self.scalar(value, type)
    else {
      throw Problem(
        .unsupported, "a value does not fit its type of metadata", expected: name,
        found: value.text(indent: 0))
    }
    self.init(type: isArray ? .array : type, bytes: bytes)
  }

  private static func array(_ value: JSONValue, _ type: GGUFValueType) -> [UInt8]? {
    guard let items = value.array?.map({ scalar($0, type) }), !items.contains(nil) else {
      return nil
    }
    return arrayHead(type, items.count) + items.compactMap(\.self).joined()
  }

  private static func scalar(_ value: JSONValue, _ type: GGUFValueType) -> [UInt8]? {
    let integer = value.int ?? value.number.flatMap { Int(exactly: $0) }
    switch type {
    case .u8: return integer.flatMap(UInt8.init(exactly:)).map(little)
    case .i8: return integer.flatMap(Int8.init(exactly:)).map(little)
    case .u16: return integer.flatMap(UInt16.init(exactly:)).map(little)
    case .i16: return integer.flatMap(Int16.init(exactly:)).map(little)
    case .u32: return integer.flatMap(UInt32.init(exactly:)).map(little)
    case .i32: return integer.flatMap(Int32.init(exactly:)).map(little)
    case .u64: return integer.flatMap(UInt64.init(exactly:)).map(little)
    case .i64: return integer.map { little(Int64($0)) }
    case .f32: return value.number.map { little(Float($0).bitPattern) }
    case .f64: return value.number.map { little($0.bitPattern) }
    case .bool: return value.bool.map { [$0 ? 1 : 0] }
    case .string: return value.string.map(bytes)
    case .array: return nil
    }
  }

  private static func bytes(_ text: String) -> [UInt8] {
    little(UInt64(text.utf8.count)) + Array(text.utf8)
  }

  private static func arrayHead(_ type: GGUFValueType, _ count: Int) -> [UInt8] {
    little(type.rawValue) + little(UInt64(count))
  }

  static func little(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
  }
}
