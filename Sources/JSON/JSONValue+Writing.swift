import CJSONC

extension JSONValue {
  /// The document as text, laid out like Python's `json.dump(…, indent=n)`, without a last newline.
  ///
  /// Numbers keep their source text; letters beyond ASCII are written as UTF-8. U+0000 in a key,
  /// which no reader here lets in, is written as U+FFFD.
  /// - Parameter indent: the spaces per level; 0 for one line without spaces.
  public func text(indent: Int = 2) -> String {
    let document = built()
    defer { json_object_put(document) }
    let layout = indent > 0 ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED : 0
    var length = 0
    let start = json_object_to_json_string_length(
      document, layout | JSON_C_TO_STRING_NOSLASHESCAPE, &length)
    guard let start else { preconditionFailure("no memory for \(kindName) as text") }
    let bytes = UnsafeRawBufferPointer(start: start, count: length)
    if indent <= 0 { return String(decoding: bytes, as: UTF8.self) }
    return String(decoding: Self.laidOut(bytes, indent), as: UTF8.self)
  }

  /// The document as json-c holds it; the caller releases it. `null` is a null pointer there.
  private func built() -> OpaquePointer? {
    switch self {
    case .null: return nil
    case .bool(let flag): return json_object_new_boolean(flag ? 1 : 0)
    case .integer(let number): return json_object_new_int64(number)
    case .unsigned(let number): return json_object_new_uint64(number)
    case .double(let number, let text): return json_object_new_double_s(number, text)
    case .notFinite(let number):
      return json_object_new_double_s(number.number, number.rawValue)
    case .string(let text):
      return json_object_new_string_len(text, Int32(clamping: text.utf8.count))
    case .array(let elements):
      let array = json_object_new_array_ext(Int32(clamping: elements.count))
      for element in elements { json_object_array_add(array, element.built()) }
      return array
    case .object(let members):
      let object = json_object_new_object()
      for (key, value) in members.entries {
        json_object_object_add(object, Self.keyWithoutZero(key), value.built())
      }
      return object
    }
  }

  private static func keyWithoutZero(_ key: String) -> String {
    guard key.utf8.contains(0) else { return key }
    return String(
      String.UnicodeScalarView(key.unicodeScalars.map { $0.value == 0 ? "\u{fffd}" : $0 }))
  }

  /// Sets the spaces per level, of which json-c writes two, and closes empty brackets at once.
  ///
  /// Line ends inside strings are always escaped, so that a line is a piece of structure.
  private static func laidOut(_ bytes: UnsafeRawBufferPointer, _ indent: Int) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    for line in bytes.split(separator: 0x0a) {
      let spaces = line.prefix { $0 == 0x20 }.count
      let content = line.dropFirst(spaces)
      if !closesAtOnce(result.last, content.first) {
        if !result.isEmpty { result.append(0x0a) }
        result += repeatElement(0x20, count: spaces / 2 * indent)
      }
      result += content
    }
    return result
  }

  private static func closesAtOnce(_ last: UInt8?, _ next: UInt8?) -> Bool {
    last == UInt8(ascii: "[") && next == UInt8(ascii: "]")
      || last == UInt8(ascii: "{") && next == UInt8(ascii: "}")
  }
}
