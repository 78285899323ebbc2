import Diagnostics
import Tensors

/// The pickle `.metadata` of a distributed checkpoint: which values there are, which keys lead to them, and
/// where the pieces lie.
struct MetadataPickle {
  /// A tensor in one piece.
  struct Piece {
    let tensor: TensorHeader
    /// The keys that lead to it.
    let path: [String]
    let file: String
    /// - Units: bytes.
    let range: Range<Int>

    /// The name under which it is found.
    var key: String { path.joined(separator: ".") }
  }

  /// The pickle.
  let bytes: [UInt8]

  /// - Throws: `Problem` of kind `unsupported` where a reader would refuse the pickle for its size.
  init(_ pieces: [Piece]) throws {
    var writer = PickleWriter()
    writer.object(.metadata) { writer in
      writer.dictionary(["state_dict_metadata", "planner_data", "storage_data"]) { writer, part in
        writer.add(.word(part))
        writer.dictionary(pieces) { writer, piece in
          let pair = Self.pair(part, piece)
          writer.add(pair.key)
          writer.add(pair.value)
        }
      }
    }
    bytes = try writer.finished()
  }

  private static func pair(_ part: String, _ piece: Piece) -> (key: PickleTree, value: PickleTree) {
    switch part {
    case "state_dict_metadata": (.text(piece.key), value(piece.tensor))
    case "planner_data": (.text(piece.key), .tuple(piece.path.map { .text($0) }))
    default: (index(piece), place(piece))
    }
  }

  private static func value(_ tensor: TensorHeader) -> PickleTree {
    let chunk = PickleTree.object(
      .chunkMetadata, ["offsets": origin(of: tensor), "sizes": .size(tensor.shape)])
    return .object(
      .tensorMetadata,
      ["properties": properties(tensor.type), "size": .size(tensor.shape), "chunks": .list([chunk])])
  }

  /// Five values, which releases of torch that know of a sixth take as well.
  private static func properties(_ type: ScalarType) -> PickleTree {
    .object(
      .tensorProperties,
      state: .tuple([
        .global(.type(type)), .call(.known(.layout), [.word("torch.strided")]), .bool(false),
        .call(.known(.memoryFormat), [.int(0)]), .bool(false),
      ]))
  }

  private static func origin(of tensor: TensorHeader) -> PickleTree {
    .size(tensor.shape.map { _ in 0 })
  }

  private static func index(_ piece: Piece) -> PickleTree {
    .object(
      .metadataIndex,
      ["fqn": .text(piece.key), "offset": origin(of: piece.tensor), "index": .int(0)])
  }

  private static func place(_ piece: Piece) -> PickleTree {
    .object(
      .storageInfo,
      [
        "relative_path": .word(piece.file), "offset": .int(piece.range.lowerBound),
        "length": .int(piece.range.count),
      ])
  }
}
