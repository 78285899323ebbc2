import Diagnostics
import SystemPackage
import Tensors

/// A safetensors file: its metadata and its tensors, none of them read yet.
public struct SafetensorsFile: Sendable {
  /// The name for messages.
  public let name: String
  /// Free text pairs, in the order of the file.
  public let metadata: [(key: String, value: String)]
  /// The tensors, in the order of their data.
  public let tensors: [StoredTensor]

  /// What the file names and does not hold.
  public let ignored: [IgnoredValue]

  /// Maps a file and checks its header against it.
  /// - Throws: `Problem` of kind `missing`, `io` or `invalid`, naming the file.
  /// - Cost: reads the header only.
  public init(_ path: FilePath) throws {
    try self.init(MappedFile(path), name: path.string)
  }

  /// Checks the bytes of a whole file.
  /// - Throws: `Problem` of kind `invalid`, naming the file.
  public init(_ storage: any ByteStorage, name: String) throws {
    let header = try locating(.file(name)) {
      let bytes = try storage.bytes
      return try FileNature.reading(bytes, as: .safetensors) {
        try SafetensorsHeader(checking: bytes)
      }
    }
    let start = storage.count - header.dataCount
    storage.release(0..<start)
    self.name = name
    metadata = header.metadata
    ignored = header.stubs.map { IgnoredValue($0, "a name without a tensor", in: "") }
    tensors = header.entries.map { entry in
      let range = start + entry.range.lowerBound..<start + entry.range.upperBound
      return StoredTensor(
        name: entry.name, type: entry.type, shape: entry.shape,
        region: ByteRegion(storage, range), file: name)
    }
  }
}
