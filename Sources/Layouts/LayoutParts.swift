import Diagnostics
import JSON
import Synchronization

/// The parts that layout files share, read when the first one is needed.
public final class LayoutParts: Sendable {
  private let files: [(name: String, bytes: [UInt8])]
  private let read = Mutex<[LayoutPart]?>(nil)

  /// Parts by the names of their files.
  public init(_ files: [(name: String, bytes: [UInt8])]) { self.files = files }

  /// The parts of `formats/parts/`, which are part of the build.
  public static let builtIn = LayoutParts(
    FormatFiles.parts.map { ($0.name, Array($0.text.utf8)) })

  /// All parts.
  /// - Throws: `Problem` of kind `invalid`, naming the file.
  func all() throws -> [LayoutPart] {
    try read.withLock { read in
      if let read { return read }
      let parts = try files.map { name, bytes in
        try locating(.file(name), advising: FormatValue.remedy) {
          try LayoutPart(parsing: bytes)
        }
      }
      read = parts
      return parts
    }
  }

  /// A layout file with the rules of the parts in the places where it uses them: the whole layout, as one
  /// would write it without parts.
  /// - Throws: `Problem` of kind `invalid` for a use that no part answers, and for a part that is wrong itself.
  public func composed(_ file: JSONValue) throws -> JSONValue {
    switch file {
    case .array(let list):
      .array(
        try list.flatMap { value in
          try PartUse(value)?.rules(from: all()) ?? [composed(value)]
        })
    case .object(let object):
      .object(JSONObject(try object.entries.map { ($0.key, try composed($0.value)) }))
    default: file
    }
  }
}
