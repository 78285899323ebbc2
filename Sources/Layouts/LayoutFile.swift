/// The text of a layout file, or of a part of such files, that is not part of the build.
public struct LayoutFile: Sendable {
  /// What a record says of such a file.
  public struct Record: Hashable, Sendable {
    /// The name of the file.
    public let name: String
    /// The SHA-256 of its bytes, as hexadecimal digits.
    public let sha256: String
  }

  /// The largest file that is read.
  /// - Units: bytes.
  public static let largest = FormatLimits.file.rawValue

  /// The name, for messages.
  public let name: String
  /// The text.
  public let bytes: [UInt8]
  /// What a record says of it; nil for a file that is part of the build.
  public let record: Record?

  /// A file of the build.
  init(name: String, bytes: [UInt8]) { (self.name, self.bytes, record) = (name, bytes, nil) }

  /// A file that was read at run time.
  /// - Parameter sha256: the hash of its bytes.
  public init(name: String, bytes: [UInt8], sha256: String) {
    (self.name, self.bytes) = (name, bytes)
    record = Record(name: name, sha256: sha256)
  }
}
