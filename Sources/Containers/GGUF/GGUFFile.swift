import Diagnostics
import SystemPackage
import Tensors

/// A GGUF file: its metadata and its tensors, none of them read yet.
public struct GGUFFile: Sendable {
  /// The metadata, in the order of the file.
  public let metadata: GGUFHeader.Metadata
  /// The tensors, in the order of their data.
  public let tensors: [StoredTensor]

  /// Maps a file and checks its header against it.
  /// - Throws: `Problem` of kind `missing`, `io`, `invalid` or `unsupported`, naming the file.
  /// - Cost: reads the header only.
  public init(_ path: FilePath) throws {
    try self.init(MappedFile(path), name: path.string)
  }

  /// Checks the bytes of a whole file.
  /// - Throws: `Problem` of kind `invalid` or `unsupported`, naming the file.
  public init(_ storage: any ByteStorage, name: String) throws {
    let header = try locating(.file(name)) {
      let bytes = try storage.bytes
      return try FileNature.reading(bytes, as: .gguf) { try GGUFHeader(checking: bytes) }
    }
    metadata = header.metadata
    tensors = header.entries.map { entry in
      let start = header.dataStart + entry.offset
      return StoredTensor(
        name: entry.name, type: entry.type, shape: entry.shape,
        region: ByteRegion(storage, start..<start + entry.byteCount), file: name)
    }
  }
}
