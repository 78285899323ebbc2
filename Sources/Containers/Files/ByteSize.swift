import Diagnostics

/// A number of bytes as people write it: `123`, `500MB`, `1.5GiB`.
public struct ByteSize: Hashable, Sendable {
  /// The number.
  /// - Units: bytes.
  public let bytes: Int

  private static let units: [(suffix: String, factor: Double)] = [
    ("KiB", 1024), ("MiB", 1_048_576), ("GiB", 1_073_741_824), ("TiB", 1_099_511_627_776),
    ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12), ("B", 1), ("", 1),
  ]

  /// Reads a size; KB to TB are decimal, KiB to TiB binary, upper and lower case the same.
  /// - Throws: `Problem` of kind `usage` where the text is no size above zero.
  public init(_ text: String) throws {
    let lower = text.lowercased()
    for (suffix, factor) in Self.units where lower.hasSuffix(suffix.lowercased()) {
      let digits = lower.dropLast(suffix.utf8.count)
      guard digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 || $0 == 0x2e }),
        let number = Double(digits), let bytes = Int(exactly: (number * factor).rounded()),
        bytes > 0
      else { break }
      self.bytes = bytes
      return
    }
    throw Problem(
      .usage, "\"\(text)\" is not a size", expected: "a size above zero such as 5GB or 1.5GiB",
      found: "\"\(text)\"",
      remedy: "write a number and a unit")
  }
}
