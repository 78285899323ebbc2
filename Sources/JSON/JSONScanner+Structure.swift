import Diagnostics

extension JSONScanner {
  /// Enters an object.
  public mutating func beginObject() throws { try open(UInt8(ascii: "{"), "an object") }

  /// Enters an array.
  public mutating func beginArray() throws { try open(UInt8(ascii: "["), "an array") }

  /// Reads the next key and its colon, or leaves the object and returns nil.
  ///
  /// Two equal keys are let through; use `nextKey(notIn:)` to refuse them.
  public mutating func nextKey() throws -> JSONText? {
    guard try advance(to: UInt8(ascii: "}"), "',' or '}'") else { return nil }
    let start = position
    guard current == UInt8(ascii: "\"") else { throw unexpected("a key in double quotes") }
    let key = try text()
    if key.hasEscapes, key.decoded.contains(0) {
      throw problem("U+0000 in a key", at: start)
    }
    skipWhitespace()
    guard current == UInt8(ascii: ":") else { throw unexpected("':'") }
    position += 1
    return key
  }

  /// Reads the next key, which must differ from all keys seen before, or leaves the object.
  public mutating func nextKey(notIn seen: inout JSONKeySet) throws -> JSONText? {
    guard let key = try nextKey() else { return nil }
    guard seen.insert(key) else { throw repeated(key) }
    return key
  }

  /// Goes to the next element of an array, or leaves the array and returns false.
  public mutating func nextElement() throws -> Bool {
    try advance(to: UInt8(ascii: "]"), "',' or ']'")
  }

  /// Steps over a value that nobody asks for; its numbers may have any size.
  public mutating func skip() throws {
    switch try nextKind() {
    case .null: try null()
    case .bool: _ = try bool()
    case .number: try skipNumber()
    case .string: _ = try text()
    case .array:
      try beginArray()
      while try nextElement() { try skip() }
    case .object:
      try beginObject()
      while try nextKey() != nil { try skip() }
    }
  }

  /// The problem that a key, which has just been read, occurs twice.
  func repeated(_ key: JSONText) -> Problem {
    problem("the key \"\(key.string)\" occurs twice in one object", at: key.start(in: bytes) - 1)
  }

  private mutating func open(_ bracket: UInt8, _ expected: String) throws {
    skipWhitespace()
    guard current == bracket else { throw unexpected(expected) }
    guard depth < depthLimit else {
      throw problem(
        "nested too deeply", at: position, expected: "at most \(depthLimit) levels",
        found: "\(depth + 1) levels")
    }
    position += 1
    depth += 1
    isFirst = true
  }

  /// Stops before the next member or element, or steps over the closing bracket.
  private mutating func advance(to bracket: UInt8, _ expected: String) throws -> Bool {
    skipWhitespace()
    if current == bracket {
      position += 1
      depth -= 1
      isFirst = false
      return false
    }
    if isFirst {
      isFirst = false
      return true
    }
    guard current == UInt8(ascii: ",") else { throw unexpected(expected) }
    position += 1
    skipWhitespace()
    if current == bracket { throw problem("a comma before the closing bracket", at: position) }
    return true
  }
}
