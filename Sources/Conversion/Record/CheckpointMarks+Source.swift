import Containers
import JSON
import Layouts
import Opening
import SystemPackage
import Tensors

extension CheckpointMarks {
  /// Marks by which files of an earlier output are recognised, so that it may be replaced: Graft's program
  /// files, its record, files whose hash that record lists, and exact copies of files of the source.
  public init(source: StoredCheckpoint) {
    let directory = source.directory
    self.init { place in
      guard let name = place.path.lastComponent else { return false }
      if CodeFile.names.contains(name.string) { return true }
      if name.string == Manifest.fileName { return Manifest(at: place) != nil }
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
  /// Whether the record beside a file knows it with the hash that it has.
  static func lists(_ place: FilePlace) -> Bool {
    guard let name = place.path.lastComponent?.string,
      let record = Manifest(at: place.beside(fileName)),
      let entry = record.document["files"]?.array?.first(where: { $0["name"]?.string == name }),
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
