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

  /// The bytes of a changed config with the indentation and the last line break of the original; the
  /// original bytes where nothing changed. A new config is indented by two spaces and ends with a line
  /// break.
  func bytes(_ changed: JSONValue) -> [UInt8] {
    guard let bytes else { return Array((changed.text(indent: 2) + "\n").utf8) }
    guard changed != value else { return bytes }
    let text = changed.text(indent: JSONValue.indentation(of: bytes))
    return Array(text.utf8) + (bytes.last == UInt8(ascii: "\n") ? [UInt8(ascii: "\n")] : [])
  }
}
