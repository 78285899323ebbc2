import Diagnostics
import SystemPackage
import Tensors

/// Opens the pieces of tensors and puts them together.
struct DistributedPieces {
  private let directory: FilePath
  private var files: [String: MappedFile] = [:]
  /// The bytes of pieces so far, by file, so that a small file cannot be read many times.
  private var used: [String: Int] = [:]
  /// The checksums that were not looked at.
  private(set) var checksums: [Checksum] = []

  init(_ directory: FilePath) { self.directory = directory }

  /// The bytes of a tensor: its only piece, or its pieces put together whenever they are needed.
  /// - Throws: `Problem` of kind `invalid` where the pieces do not cover it exactly.
  mutating func region(
    _ tensor: DistributedMetadata.Tensor, named name: String, in metadata: String
  ) throws -> ByteRegion {
    let cover = try locating(.file(metadata)) {
      try ChunkCover(tensor.shape, tensor.type, tensor.chunks)
    }
    let pieces = try cover.chunks.map { try piece($0, of: tensor, named: name) }
    return cover.region(of: pieces, tensor.type)
  }

  private mutating func piece(
    _ chunk: DistributedMetadata.Chunk, of tensor: DistributedMetadata.Tensor, named name: String
  ) throws -> ByteRegion {
    let path = directory.appending(chunk.fileName)
    let file = try file(chunk.fileName, path)
    return try locating(.file(path.string)) {
      // The piece lies inside its file, and pieces together are no larger than the file.
      try FileNature.reading(file.bytes, as: .torch) {
        guard chunk.range.upperBound <= file.bytes.count else {
          throw Problem(
            .invalid, "the file is truncated", expected: "\(chunk.range.upperBound) bytes",
            found: "\(file.bytes.count) bytes")
        }
      }
      used[chunk.fileName, default: 0] += chunk.range.count
      guard used[chunk.fileName, default: 0] <= file.bytes.count else {
        throw Problem(
          .invalid, "the pieces in a file overlap", expected: "at most \(file.bytes.count) bytes",
          found: "\(used[chunk.fileName, default: 0]) bytes")
      }
      // It is a file of `torch.save` that holds one tensor.
      let content = try TorchContent(ByteWindow(ByteRegion(file, chunk.range)))
      guard case .tensor(let place) = content.value else {
        throw Problem(
          .invalid, "a piece is not a tensor", expected: "a tensor", found: content.value.kind)
      }
      // That tensor is the one that the metadata describe.
      var views = TensorViews(content, budget: chunk.range.count, file: path.string)
      let stored = try views.tensor(name, place)
      guard stored.type == tensor.type, stored.shape == chunk.shape else {
        throw Problem(
          .invalid, "a piece is another one than the metadata says",
          expected: "\(TensorShape.text(chunk.shape)) of \(tensor.type.rawValue)",
          found: "\(TensorShape.text(stored.shape)) of \(stored.type.rawValue)")
      }
      checksums += content.checksums
      return stored.region
    }
  }

  private mutating func file(_ name: String, _ path: FilePath) throws -> MappedFile {
    if let file = files[name] { return file }
    let file = try MappedFile(path)
    files[name] = file
    return file
  }
}

/// A part of other bytes, as bytes of its own.
final class ByteWindow: ByteStorage {
  private let region: ByteRegion

  init(_ region: ByteRegion) { self.region = region }

  var bytes: UnsafeRawBufferPointer {
    get throws { UnsafeRawBufferPointer(rebasing: try region.storage.bytes[region.range]) }
  }

  var count: Int { region.count }

  func withBytes<Result>(
    in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    try region.withBytes(in: range, body)
  }

  func release(_ range: Range<Int>) {
    let start = region.range.lowerBound
    region.storage.release(start + range.lowerBound..<start + range.upperBound)
  }
}
