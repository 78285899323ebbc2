import JSON

extension GGUFValue {
  /// The most elements of an array that are listed; of a longer one, and of one of strings, only the number
  /// of elements is told.
  private static let mostListed = 1 << 16

  /// The value as JSON, or `{"count": n}` for a long array and one of strings.
  ///
  /// An F32 is the shortest decimal that stands for it, so that 1e-06 is not 9.999999974752427e-07.
  public var json: JSONValue {
    bytes.withUnsafeBytes { raw in
      guard type == .array else { return Self.scalar(raw, type, at: 0) }
      let element = GGUFValueType(rawValue: raw.loadUnaligned(as: UInt32.self).littleEndian)
      let count = self.count ?? 0
      guard let element, let width = element.byteWidth, count <= Self.mostListed else {
        return ["count": JSONValue(count)]
      }
      return .array((0..<count).map { Self.scalar(raw, element, at: 12 + $0 * width) })
    }
  }

  /// The number of elements of an array; nil for anything else.
  public var count: Int? {
    guard type == .array else { return nil }
    return bytes.withUnsafeBytes {
      Int($0.loadUnaligned(fromByteOffset: 4, as: UInt64.self).littleEndian)
    }
  }

  /// The text of a string; nil for anything else and for bytes that are not UTF-8.
  public var text: String? {
    type == .string ? String(validating: bytes.dropFirst(8), as: UTF8.self) : nil
  }

  /// The strings of an array of strings; nil for anything else.
  /// - Cost: one string each.
  public var texts: [String]? {
    guard let count, bytes[0] == UInt8(GGUFValueType.string.rawValue) else { return nil }
    return bytes.withUnsafeBytes { raw in
      var position = 12
      return (0..<count).map { _ in
        let length = Int(raw.loadUnaligned(fromByteOffset: position, as: UInt64.self).littleEndian)
        defer { position += 8 + length }
        return String(decoding: raw[position + 8..<position + 8 + length], as: UTF8.self)
      }
    }
  }

  /// The numbers of an array of I32; nil for anything else.
  public var integers: [Int]? {
    guard let count, bytes[0] == UInt8(GGUFValueType.i32.rawValue) else { return nil }
    return bytes.withUnsafeBytes { raw in
      (0..<count).map {
        Int(Int32(littleEndian: raw.loadUnaligned(fromByteOffset: 12 + $0 * 4, as: Int32.self)))
      }
    }
  }

  private static func scalar(
    _ raw: UnsafeRawBufferPointer, _ type: GGUFValueType, at offset: Int
  ) -> JSONValue {
    func load<Number: FixedWidthInteger & BitwiseCopyable>(_: Number.Type) -> Number {
      Number(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
    switch type {
    case .u8: return JSONValue(Int(load(UInt8.self)))
    case .i8: return JSONValue(Int(load(Int8.self)))
    case .u16: return JSONValue(Int(load(UInt16.self)))
    case .i16: return JSONValue(Int(load(Int16.self)))
    case .u32: return JSONValue(Int(load(UInt32.self)))
    case .i32: return JSONValue(Int(load(Int32.self)))
    case .i64: return .integer(load(Int64.self))
    case .u64:
      let number = load(UInt64.self)
      return Int64(exactly: number).map { .integer($0) } ?? .unsigned(number)
    case .f32: return JSONValue(shortest: Float(bitPattern: load(UInt32.self)))
    case .f64: return JSONValue(Double(bitPattern: load(UInt64.self)))
    case .bool: return .bool(raw[offset] != 0)
    case .string:
      return String(validating: raw[(offset + 8)...], as: UTF8.self).map { .string($0) } ?? .null
    case .array: return .null
    }
  }

  /// The name of the type; that of the elements in brackets for an array.
  var typeName: String? {
    guard type == .array else { return type.name }
    return GGUFValueType(rawValue: UInt32(bytes[0])).map { "[\($0.name)]" }
  }
}

extension JSONValue {
  /// The shortest decimal that reads back as the same F32; null for what JSON cannot say.
  public init(shortest number: Float) { self = Double("\(number)").map { JSONValue($0) } ?? .null }
}
