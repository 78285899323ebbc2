import Diagnostics
import Tensors

/// The pickle `.metadata` of a distributed checkpoint: which values there are, which keys lead to them, and
/// where the pieces lie.
struct MetadataPickle {
  /// Where something lies.
  struct Place {
    let file: String
    /// - Units: bytes.
    let range: Range<Int>
  }

  /// A tensor in one piece.
  struct Piece {
    let tensor: TensorHeader
    let place: Place
  }

  /// The pickle.
  let bytes: [UInt8]

  /// The metadata of tensors.
  /// - Parameters:
  ///   - keys: the keys under which a trainer finds them; nil for names alone, of which nothing is said.
  ///   - states: the names of objects that share one place.
  /// - Throws: `Problem` of kind `unsupported` where a reader would refuse the pickle for its size, or a
  ///   tensor has the name of an object.
  init(
    _ pieces: [Piece], under keys: StateKeys? = nil, states: [String] = [], at place: Place? = nil
  ) throws {
    let taken = Set(states)
    if let piece = pieces.first(where: { taken.contains($0.tensor.name) }) {
      throw Problem(
        .unsupported, "a tensor has the name of a state of Megatron", tensor: piece.tensor.name,
        remedy: "rename it, or choose another container with --container")
    }
    var writer = PickleWriter()
    writer.object(.metadata) { writer in
      writer.dictionary(["state_dict_metadata", "planner_data", "storage_data"]) { writer, part in
        writer.add(.word(part))
        if part == "planner_data", keys == nil { return writer.add(.none) }
        writer.dictionary(Self.values(pieces, part == "planner_data" ? [] : states)) {
          writer, value in
          let pair = Self.pair(part, value, keys ?? .none, place)
          writer.add(pair.key)
          writer.add(pair.value)
        }
      }
    }
    bytes = try writer.finished()
  }

  private enum Value {
    case piece(Piece)
    case state(String)
  }

  private static func values(_ pieces: [Piece], _ states: [String]) -> [Value] {
    pieces.map { .piece($0) } + states.map { .state($0) }
  }

  private typealias Pair = (key: PickleTree, value: PickleTree)

  private static func pair(
    _ part: String, _ value: Value, _ keys: StateKeys, _ shared: Place?
  ) -> Pair {
    switch value {
    case .state(let name):
      let isPlace = part == "storage_data"
      return isPlace
        ? (index(name, origin: .none, .none), shared.map(place) ?? .none)
        : (.text(name), .object(.bytesMetadata, state: nil))
    case .piece(let piece):
      let path = keys.path(piece.tensor.name)
      let key = path.joined(separator: ".")
      switch part {
      case "state_dict_metadata": return (.text(key), describe(piece.tensor))
      case "planner_data": return (.text(key), .tuple(path.map { .text($0) }))
      default: return (index(key, origin: origin(of: piece.tensor), .int(0)), place(piece.place))
      }
    }
  }

  private static func describe(_ tensor: TensorHeader) -> PickleTree {
    let chunk = PickleTree.object(
      .chunkMetadata, ["offsets": origin(of: tensor), "sizes": .size(tensor.shape)])
    return .object(
      .tensorMetadata,
      [
        "properties": properties(tensor.type), "size": .size(tensor.shape),
        "chunks": .list([chunk]),
      ])
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

  private static func index(_ key: String, origin: PickleTree, _ hint: PickleTree) -> PickleTree {
    .object(.metadataIndex, ["fqn": .text(key), "offset": origin, "index": hint])
  }

  private static func place(_ place: Place) -> PickleTree {
    .object(
      .storageInfo,
      [
        "relative_path": .word(place.file), "offset": .int(place.range.lowerBound),
        "length": .int(place.range.count),
      ])
  }
}
