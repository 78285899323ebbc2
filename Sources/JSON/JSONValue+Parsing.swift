import Diagnostics

extension JSONValue {
  /// Reads one JSON text, all of it, as strictly as `JSONScanner` and without duplicate keys.
  /// - Throws: `Problem` of kind `invalid` with line, column and byte.
  public init(parsing bytes: UnsafeRawBufferPointer, _ dialect: JSONDialect = .strict) throws {
    var scanner = JSONScanner(bytes, dialect)
    self = try scanner.value()
    try scanner.end()
  }

  /// Reads one JSON text, all of it.
  /// - Throws: `Problem` of kind `invalid` with line, column and byte.
  public init(parsing bytes: [UInt8], _ dialect: JSONDialect = .strict) throws {
    self = try bytes.withUnsafeBytes { try JSONValue(parsing: $0, dialect) }
  }

  /// Reads some members of the object that a text is, and steps over the values of all others.
  /// - Throws: `Problem` of kind `invalid` with line, column and byte.
  public init(parsing bytes: [UInt8], members names: Set<String>) throws {
    self = try bytes.withUnsafeBytes { bytes in
      var scanner = JSONScanner(bytes)
      let members = try scanner.members(names)
      try scanner.end()
      return .object(members)
    }
  }

  /// The indentation of a pretty-printed text, so that an edited document keeps its look.
  /// - Returns: the spaces before the first member; 2 where the text does not show it.
  public static func indentation(of bytes: [UInt8]) -> Int {
    guard let lineEnd = bytes.firstIndex(of: 0x0a) else { return 2 }
    let head = bytes[..<lineEnd].filter { $0 > 0x20 }
    guard head == [UInt8(ascii: "{")] || head == [UInt8(ascii: "[")] else { return 2 }
    let spaces = bytes[(lineEnd + 1)...].prefix { $0 == 0x20 }.count
    return 1...8 ~= spaces ? spaces : 2
  }
}

extension JSONScanner {
  /// Reads any value.
  /// - Cost: memory in proportion to the text.
  public mutating func value() throws -> JSONValue {
    switch try nextKind() {
    case .null:
      try null()
      return .null
    case .bool: return .bool(try bool())
    case .number: return try number()
    case .string: return .string(try text().string)
    case .array: return .array(try elements())
    case .object: return .object(try members())
    }
  }

  private mutating func elements() throws -> [JSONValue] {
    try beginArray()
    var elements: [JSONValue] = []
    while try nextElement() { elements.append(try value()) }
    return elements
  }

  /// Reads an object.
  /// - Parameter wanted: the names of the members to keep; nil for all.
  fileprivate mutating func members(_ wanted: Set<String>? = nil) throws -> JSONObject {
    try beginObject()
    var members = JSONObject()
    while let key = try nextKey() {
      let name = key.string
      if let wanted, !wanted.contains(name) {
        try skip()
        continue
      }
      if members.contains(name) { throw repeated(key) }
      members.append(name, try value())
    }
    return members
  }
}
