import Diagnostics
import SystemPackage
import Tensors

/// Opens the pieces of tensors and puts them together.
struct DistributedPieces {
  private let directory: FilePath
  private var files: [String: MappedFile] = [:]
  /// The bytes of pieces so far, by file, so that a small file cannot be read many times.
  private var used: [String: Int] = [:]
  /// The checksums, which are taken as the bytes are read.
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

  /// Checks that all files with pieces of some tensors are there, and as long as the pieces need.
  /// - Throws: `Problem` of kind `missing` or `invalid` for each of those that are not.
  mutating func checkFiles(of tensors: [DistributedMetadata.Tensor]) throws {
    var ends: [String: Int] = [:]
    for chunk in tensors.lazy.flatMap(\.chunks) {
      ends[chunk.fileName] = max(ends[chunk.fileName] ?? 0, chunk.range.upperBound)
    }
    try Problem.throwIfAny(
      ends.sorted { $0.key < $1.key }.flatMap { name, end -> [Problem] in
        do { try check(name, reaches: end) } catch { return error.asProblems }
        return []
      })
  }

  private mutating func check(_ name: String, reaches end: Int) throws {
    let path = directory.appending(name)
    guard FileKind(path) != .absent else {
      throw Problem(
        .missing, "a file with pieces of tensors is missing\(Self.rank(of: name))",
        file: path.string, expected: "\(end) bytes or more",
        remedy: "fetch the files of all ranks of this save")
    }
    let file = try file(name, path)
    try locating(.file(path.string)) {
      try FileNature.reading(file.bytes, as: .torch) {
        guard end > file.bytes.count else { return }
        throw Problem(
          .invalid, "a file with pieces of tensors is truncated\(Self.rank(of: name))",
          expected: "\(end) bytes or more", found: "\(file.bytes.count) bytes",
          remedy: "fetch the file again; a save that was interrupted cannot be read")
      }
    }
  }

  /// The rank that wrote a file, as a clause; empty where the name does not say it.
  private static func rank(of name: String) -> String {
    DistributedMetadata.rank(of: name).map { ", which rank \($0) wrote" } ?? ""
  }

  /// The value that is stored at a place.
  /// - Throws: `Problem` naming the file.
  mutating func object(at place: DistributedMetadata.StoredPlace) throws -> TorchContent {
    let path = directory.appending(place.fileName)
    try check(place.fileName, reaches: place.range.upperBound)
    let file = try file(place.fileName, path)
    return try locating(.file(path.string)) {
      try TorchContent(ByteWindow(ByteRegion(file, place.range)), dropsForeign: true)
    }
  }

  private mutating func piece(
    _ chunk: DistributedMetadata.Chunk, of tensor: DistributedMetadata.Tensor, named name: String
  ) throws -> ByteRegion {
    let path = directory.appending(chunk.fileName)
    let file = try file(chunk.fileName, path)
    return try locating(.file(path.string)) {
      used[chunk.fileName, default: 0] += chunk.range.count
      guard used[chunk.fileName, default: 0] <= file.bytes.count else {
        throw Problem(
          .invalid, "the pieces in a file overlap", expected: "at most \(file.bytes.count) bytes",
          found: "\(used[chunk.fileName, default: 0]) bytes")
      }
      let content = try Self.record(ByteRegion(file, chunk.range))
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
          found: "\(TensorShape.text(stored.shape)) of \(stored.type.rawValue)",
          remedy: Self.oneSave)
      }
      checksums += content.checksums
      return stored.region
    }
  }

  private static let oneSave =
    "fetch \(DistributedMetadata.fileName) and all files of one and the same save"

  /// What stands where a piece should begin.
  private static func record(_ region: ByteRegion) throws -> TorchContent {
    do { return try TorchContent(ByteWindow(region)) } catch {
      guard let problem = error.asProblems.first, problem.kind == .invalid else { throw error }
      throw Problem(
        .invalid, "what stands at the place of a piece is no tensor of this save",
        expected: "a file of torch.save at \(region.range.lowerBound)", found: problem.what,
        remedy: oneSave)
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

  func check(onlyRead: Bool) throws { try region.storage.check(onlyRead: onlyRead) }

  func release(_ range: Range<Int>) {
    let start = region.range.lowerBound
    region.storage.release(start + range.lowerBound..<start + range.upperBound)
  }
}
