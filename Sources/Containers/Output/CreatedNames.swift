import Diagnostics
import JSON
import Synchronization
import SystemPackage
import Tensors

/// The names of everything that runs create in an unfinished output, written down before it is created:
/// what stands there under another name is somebody's.
final class CreatedNames: Sendable {
  static let fileName: FilePath.Component = "created.jsonl"
  private static let schema = "graft.created/1"
  private static let limit = 1 << 28

  private struct Names {
    var files: Set<String> = []
    /// The names of files that may be hard links to files of the source.
    var links: Set<String> = []
    /// The names of directories.
    var folders: Set<String> = []
  }

  private let place: FilePlace
  private let names: Mutex<Names>

  /// Reads what earlier runs wrote down, if there were any; lines that are not whole have created
  /// nothing.
  init(_ place: FilePlace) throws {
    self.place = place
    names = Mutex(try Self.read(place))
  }

  private static func read(_ place: FilePlace) throws -> Names {
    var names = Names()
    guard let status = try place.status() else { return names }
    guard status.kind == .file, status.size <= limit else { return names }
    let file = try place.mapped()
    for line in withExtendedLifetime(file, { Array(file.bytes) }).split(separator: 0x0A) {
      guard let value = try? JSONValue(parsing: Array(line)), value["schema"]?.string == schema
      else { continue }
      names.files.formUnion((value["files"]?.array ?? []).compactMap(\.string))
      names.links.formUnion((value["links"]?.array ?? []).compactMap(\.string))
      names.folders.formUnion((value["folders"]?.array ?? []).compactMap(\.string))
    }
    return names
  }

  /// All names.
  var files: Set<String> { names.withLock { $0.files } }

  /// Whether a run created a file of that name.
  func contains(_ name: String) -> Bool { names.withLock { $0.files.contains(name) } }

  /// Whether a run made a directory of that name.
  func isFolder(_ name: String) -> Bool { names.withLock { $0.folders.contains(name) } }

  /// Whether a file of that name may have others.
  func mayHaveOtherNames(_ name: String) -> Bool { names.withLock { $0.links.contains(name) } }

  /// Writes down names of which files will be created.
  /// - Parameters:
  ///   - links: those that may become further names of existing files.
  ///   - folders: names of directories that will be made.
  /// - Cost: one fsync, unless all are known.
  func add(_ files: [String], links: [String] = [], folders: [String] = []) throws {
    try names.withLock { names in
      let new = files.filter { !names.files.contains($0) }
      let newLinks = links.filter { !names.links.contains($0) }
      let newFolders = folders.filter { !names.folders.contains($0) }
      guard !new.isEmpty || !newLinks.isEmpty || !newFolders.isEmpty else { return }
      var line: JSONObject = [
        "schema": .string(Self.schema), "files": .array(new.map { .string($0) }),
        "links": .array(newLinks.map { .string($0) }),
      ]
      if !newFolders.isEmpty { line["folders"] = .array(newFolders.map { .string($0) }) }
      let descriptor = try AppendedFile.open(place)
      defer { try? descriptor.close() }
      // An earlier run may have been killed inside a line: the first line break ends it.
      try AppendedFile.append(
        Array("\n\(JSONValue.object(line).text(indent: 0))\n".utf8), to: descriptor, place.path)
      names.files.formUnion(new)
      names.links.formUnion(newLinks)
      names.folders.formUnion(newFolders)
    }
  }
}
