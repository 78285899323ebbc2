import Diagnostics
import JSON
import Synchronization

/// The parts that layout files share, read when the first one is needed.
public final class LayoutParts: Sendable {
  private let files: [LayoutFile]
  private let read = Mutex<[LayoutPart]?>(nil)

  /// Parts by the names of their files.
  public convenience init(_ files: [(name: String, bytes: [UInt8])]) {
    self.init(files: files.map { LayoutFile(name: $0.name, bytes: $0.bytes) })
  }

  private init(files: [LayoutFile]) { self.files = files }

  /// These parts and others.
  func adding(_ others: [LayoutFile]) -> LayoutParts { LayoutParts(files: files + others) }

  /// The parts of `formats/parts/`, which are part of the build.
  public static let builtIn = LayoutParts(
    FormatFiles.parts.map { ($0.name, Array($0.text.utf8)) })

  /// All parts.
  /// - Throws: `Problem` of kind `invalid`, naming the file.
  func all() throws -> [LayoutPart] {
    try read.withLock { read in
      if let read { return read }
      let parts = try files.reduce(into: [LayoutPart]()) { parts, file in
        try locating(.file(file.name), advising: FormatValue.remedy) {
          let part = try LayoutPart(parsing: file.bytes)
          guard !parts.contains(where: { $0.name == part.name }) else {
            throw Problem(
              .invalid, "two parts of layout files have one name",
              expected: "a name that no other part has", found: part.name
            ).located(.place("part"))
          }
          parts.append(part)
        }
      }
      read = parts
      return parts
    }
  }

  /// A layout file with the rules of the parts in the places where it uses them: the whole layout, as one
  /// would write it without parts.
  /// - Throws: `Problem` of kind `invalid` where no part has the list that is used, and where a part is
  ///   wrong itself.
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
