/// Text from files, arguments and names as a person may see it.
///
/// Whatever goes to a terminal or a page passes here: characters that would steer a terminal, or turn
/// the order of others around, are spelled out instead.
public enum PrintableText {
  /// A text without anything but characters that show themselves.
  /// - Parameter keepsLines: whether line ends and tabs stay what they are.
  public static func text(_ text: String, keepsLines: Bool = false) -> String {
    guard text.unicodeScalars.contains(where: steers) else { return text }
    return text.unicodeScalars.reduce(into: "") { result, scalar in
      let stays = !steers(scalar) || keepsLines && (scalar == "\n" || scalar == "\t")
      if stays { result.unicodeScalars.append(scalar) } else { result += spelled(scalar) }
    }
  }

  /// Bytes that should be UTF-8; those that are not are spelled `\\xFF`.
  public static func text(of bytes: some Sequence<UInt8>) -> String {
    var result = ""
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
      let length = (1...4).first { String(validating: rest.prefix($0), as: UTF8.self) != nil }
      result +=
        length.map { text(String(decoding: rest.prefix($0), as: UTF8.self)) }
        ?? "\\x" + hex(UInt32(rest.first ?? 0), digits: 2)
      rest = rest.dropFirst(length ?? 1)
    }
    return result
  }

  /// A JSON document in which such characters, which stand in its strings alone, are escaped.
  public static func json(_ document: String) -> String {
    guard document.unicodeScalars.contains(where: steers) else { return document }
    return document.unicodeScalars.reduce(into: "") { result, scalar in
      if scalar == "\n" || !steers(scalar) {
        result.unicodeScalars.append(scalar)
      } else {
        result += "\\u" + hex(scalar.value, digits: 4)
      }
    }
  }

  /// Whether a character steers what shows it: a control of either half, or one that turns the
  /// direction of what follows.
  private static func steers(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    // The controls of ASCII and of Latin-1; embeddings, overrides and isolates of direction.
    case 0..<0x20, 0x7f..<0xa0, 0x202a...0x202e, 0x2066...0x2069: true
    default: false
    }
  }

  private static func spelled(_ scalar: Unicode.Scalar) -> String { scalar.escaped(asASCII: true) }

  private static func hex(_ value: UInt32, digits: Int) -> String {
    let text = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}
