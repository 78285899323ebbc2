import Diagnostics
import JSON
import SystemPackage
import Tensors

/// A JSON file of settings, of which some members are wanted.
public enum SettingsFile {
  /// The largest file that is read.
  /// - Units: bytes.
  private static let limit = 16 << 20

  /// Some members of the object in a file, none where there is no file; others, among which there are
  /// numbers beyond 64 bits, are not looked at.
  /// - Throws: `Problem` of kind `invalid` where it is no strict JSON or too large, `io`.
  public static func members(_ path: FilePath, where isUsed: (String) -> Bool) throws -> JSONObject
  {
    var members = JSONObject()
    let bytes: [UInt8]
    do { bytes = try MappedFile.readAll(path, limit: limit) } catch let problem as Problem
      where problem.kind == .missing
    { return members }
    try locating(.file(path.string)) {
      try bytes.withUnsafeBytes { text in
        var scanner = JSONScanner(text)
        var keys = JSONKeySet()
        try scanner.beginObject()
        while let key = try scanner.nextKey(notIn: &keys)?.string {
          if isUsed(key) { members[key] = try scanner.value() } else { try scanner.skip() }
        }
        try scanner.end()
      }
    }
    return members
  }
}
