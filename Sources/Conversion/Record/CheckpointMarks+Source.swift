import Containers
import JSON
import Layouts
import SystemPackage
import Tensors

extension CheckpointMarks {
  /// The marks of Graft's own outputs, and of copies of a source: program files of Graft, its record,
  /// files that stand in that record with their hashes, and files that the source has too, byte for
  /// byte.
  public init(source: StoredCheckpoint) {
    let directory = source.directory
    self.init { place in
      guard let name = place.path.lastComponent else { return false }
      if CodeFile.names.contains(name.string) { return true }
      if name.string == Manifest.fileName { return Manifest.document(at: place) != nil }
      return Self.areEqual(place, directory.appending(name)) || Manifest.lists(place)
    }
  }

  private static func areEqual(_ place: FilePlace, _ other: FilePath) -> Bool {
    guard let a = try? place.mapped(), let b = try? MappedFile(other), a.count == b.count else {
      return false
    }
    return withExtendedLifetime((a, b)) { a.bytes.elementsEqual(b.bytes) }
  }
}

extension Manifest {
  /// The record at a place; nil where there is none of Graft's.
  static func document(at place: FilePlace) -> JSONValue? {
    guard let file = try? place.mapped(), file.count <= limit else { return nil }
    let bytes = withExtendedLifetime(file) { Array(file.bytes) }
    guard let document = try? JSONValue(parsing: bytes), document["schema"] == .string(schema)
    else {
      return nil
    }
    return document
  }

  /// Whether the record beside a file knows it with the hash that it has.
  static func lists(_ place: FilePlace) -> Bool {
    guard let name = place.path.lastComponent?.string,
      let document = document(at: place.beside(fileName)),
      let entry = document["files"]?.array?.first(where: { $0["name"]?.string == name }),
      let file = try? place.mapped()
    else { return false }
    return (try? TensorHash.stored(ByteRegion(file))) == entry["sha256"]?.string
  }

  /// The files beside the weights as the record lists them.
  static func files(of output: StoredCheckpoint) throws -> [JSONValue] {
    try output.sidecars.filter { $0 != fileName }.map { name in
      let hash = try TensorHash.stored(ByteRegion(MappedFile(output.path(name))))
      return ["name": .string(name), "sha256": .string(hash)]
    }
  }
}
