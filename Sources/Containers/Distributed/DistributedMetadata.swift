import Diagnostics
import Tensors

/// The file `.metadata` of a directory of `torch.distributed.checkpoint`: which tensors there are, of
/// which pieces they consist, and where each piece is.
struct DistributedMetadata {
  /// A part of a tensor, stored as a file of `torch.save` inside another file.
  struct Chunk: TensorPiece {
    let offsets: [Int]
    let shape: [Int]
    let fileName: String
    /// - Units: bytes.
    let range: Range<Int>

    var holder: String? { fileName }
  }

  /// A tensor in pieces.
  struct Tensor {
    let type: ScalarType
    let shape: [Int]
    let chunks: [Chunk]
  }

  /// One value that was saved.
  struct Entry {
    /// The keys that lead to the value, outermost first.
    let path: [String]
    /// The tensor; nil for other values.
    let tensor: Tensor?
    /// Where another value is stored, as a file of `torch.save` inside another file; nil for tensors and
    /// where nothing says it.
    var object: StoredPlace?
  }

  /// Bytes inside a file.
  struct StoredPlace {
    let fileName: String
    /// - Units: bytes.
    let range: Range<Int>
  }

  /// The name of the file.
  static let fileName = ".metadata"
  /// What the names of the files with pieces end with.
  static let suffix = ".distcp"

  /// The rank that wrote a file; nil where the name does not say it.
  static func rank(of fileName: String) -> String? {
    fileName.wholeMatch(of: #/__(\d+)_\d+\.distcp/#).map { "\($0.1)" }
  }

  /// The name of a file, with the rank that wrote it.
  static func described(_ fileName: String) -> String {
    fileName + (rank(of: fileName).map { " of rank \($0)" } ?? "")
  }

  /// The values, in the order of the file.
  private(set) var entries: [Entry] = []

  /// The names of the files with pieces of tensors and other values.
  var fileNames: [String] {
    let objects = entries.lazy.compactMap { $0.object?.fileName }
    let pieces = entries.lazy.flatMap { $0.tensor?.chunks.map(\.fileName) ?? [] }
    return Set(objects).union(pieces).sorted()
  }

  /// Reads the file.
  /// - Throws: `Problem` of kind `invalid` or `unsupported`.
  init(_ bytes: UnsafeRawBufferPointer) throws {
    var machine = PickleMachine(ByteReader(bytes))
    let root = try machine.run()
    var reader = DistributedReader(machine.heap)
    let (places, objects) = try reader.places(root)
    let paths = try reader.paths(root)
    for (name, value) in try reader.values(root) {
      let tensor = try locating(.tensor(name)) {
        try reader.tensor(value).map { described in
          Tensor(
            type: described.type, shape: described.shape,
            chunks: try described.chunks.map { chunk in
              let key = DistributedReader.PieceKey(name: name, offsets: chunk.offsets)
              guard let place = places[key] else {
                throw Problem(
                  .invalid, "a piece of a tensor is stored nowhere",
                  expected: "a piece at \(chunk.offsets)")
              }
              return Chunk(
                offsets: chunk.offsets, shape: chunk.shape, fileName: place.fileName,
                range: place.range)
            })
        }
      }
      entries.append(
        Entry(
          path: paths[name] ?? [name], tensor: tensor,
          object: tensor == nil ? objects[name] : nil))
    }
  }
}
