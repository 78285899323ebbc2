import JSON

/// A config and the text it was read from, if any.
struct ConfigText {
  /// The parsed config.
  let value: JSONValue
  /// Its bytes; nil for a config that is new.
  let bytes: [UInt8]?

  /// A changed config with its text.
  func changed(to other: JSONValue) -> ConfigText {
    ConfigText(value: other, bytes: bytes(other))
  }

  /// The bytes of a changed config in the look of the original, its indentation and its end; the very
  /// bytes where nothing changed. A new one is indented by two and ends with a line.
  func bytes(_ changed: JSONValue) -> [UInt8] {
    guard let bytes else { return Array((changed.text(indent: 2) + "\n").utf8) }
    guard changed != value else { return bytes }
    let text = changed.text(indent: JSONValue.indentation(of: bytes))
    return Array(text.utf8) + (bytes.last == UInt8(ascii: "\n") ? [UInt8(ascii: "\n")] : [])
  }
}
