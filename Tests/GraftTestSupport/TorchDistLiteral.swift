import Foundation
import SystemPackage

/// A directory of `torch.distributed.checkpoint` as Megatron writes it, put together without the code that
/// is tested: every tensor in pieces, spread over the files of ranks.
public struct TorchDistLiteral {
  /// A tensor and how many pieces each of its axes has.
  public struct Tensor {
    /// What the metadata say.
    public var tensor: PlainCheckpointFile.Tensor
    /// The number of pieces by axis; one where it is not said.
    public var parts: [Int: Int] = [:]

    /// A tensor in pieces.
    public init(_ tensor: PlainCheckpointFile.Tensor, parts: [Int: Int] = [:]) {
      (self.tensor, self.parts) = (tensor, parts)
    }
  }

  /// One piece of a tensor.
  struct Piece {
    var offsets: [Int]
    let shape: [Int]
    var bytes: [UInt8]
  }

  /// The tensors.
  public var tensors: [Tensor]
  /// The names of values that are no tensors.
  public var objects: [String] = []
  /// The number of ranks, each with a file.
  public var ranks = 1
  /// What `metadata.json` says; nil for no such file.
  public var backend: String? = "torch_dist"
  /// What the ranks share.
  public var common: PickleLiteral?
  /// Whether that is a file, and not an object of the checkpoint.
  public var isCommonFile = true
  /// Pairs of pieces, by tensor, whose bytes change places.
  public var exchanged: [(name: String, Int, Int)] = []

  /// Pieces, by tensor, that nobody saved.
  public var lost: [(name: String, Int)] = []
  /// Pairs of pieces, by tensor, of which the second is saved at the place of the first.
  public var doubled: [(name: String, Int, Int)] = []

  /// A directory of some tensors.
  public init(_ tensors: [Tensor]) { self.tensors = tensors }

  /// A dictionary as Megatron's ranks share it.
  public static func common(_ arguments: KeyValuePairs<String, PickleLiteral>) -> PickleLiteral {
    .named([
      "checkpoint_version": .real(3), "iteration": .int(10),
      "args": .object("argparse", "Namespace", .named(arguments)),
      "backend": .call("megatron.core.transformer.enums", "AttnBackend", [.int(5)]),
    ])
  }

  /// Writes the directory.
  public func write(to directory: FilePath) throws {
    try FileManager.default.createDirectory(
      atPath: directory.string, withIntermediateDirectories: true)
    var files = [[UInt8]](repeating: [], count: ranks)
    var (values, places): ([(PickleLiteral, PickleLiteral)], [(PickleLiteral, PickleLiteral)]) = (
      [], []
    )
    var rank = 0
    func store(_ name: String, _ offsets: [Int]?, _ bytes: [UInt8]) {
      places.append(Self.place(name, offsets, "__\(rank)_0.distcp", files[rank].count, bytes.count))
      files[rank] += bytes
      rank = (rank + 1) % ranks
    }
    for tensor in tensors {
      let pieces = pieces(of: tensor)
      values.append((.text(tensor.tensor.name), Self.description(of: tensor.tensor, pieces)))
      for piece in pieces {
        let bytes = TorchLiteral.tensor(tensor.tensor.type, piece.shape, piece.bytes)
        store(tensor.tensor.name, piece.offsets, bytes)
      }
    }
    let shared = isCommonFile ? nil : common.map { TorchLiteral.file(.list([$0])) }
    for name in objects + (shared == nil ? [] : ["common_state/shard_0_1"]) {
      values.append((.text(name), .object(Self.module, "BytesStorageMetadata", .named([:]))))
      let isShared = name.hasPrefix("common_state")
      store(name, nil, isShared ? shared ?? [] : TorchLiteral.file(.list([.none])))
    }
    for (rank, bytes) in files.enumerated() { try write("__\(rank)_0.distcp", bytes, directory) }
    try write(".metadata", Self.metadata(values, places).bytes, directory)
    if let backend {
      let text = #"{"sharded_backend": "\#(backend)", "sharded_backend_version": 1}"#
      try write("metadata.json", Array(text.utf8), directory)
    }
    if isCommonFile, let common {
      try write("common.pt", TorchLiteral.file(common), directory)
    }
  }

  private func write(_ name: String, _ bytes: [UInt8], _ directory: FilePath) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: directory.appending(name).string))
  }

  private func pieces(of tensor: Tensor) -> [Piece] {
    let shape = tensor.tensor.shape
    let counts = shape.indices.map { tensor.parts[$0] ?? 1 }
    let extents = zip(shape, counts).map { $0 / $1 }
    let starts = counts.reduce([[Int]]([[]])) { heads, count in
      heads.flatMap { head in (0..<count).map { head + [$0] } }
    }
    var pieces = starts.map { start -> Piece in
      let offsets = zip(start, extents).map { $0 * $1 }
      return Piece(
        offsets: offsets, shape: extents, bytes: tensor.tensor.block(at: offsets, extents))
    }
    for (name, a, b) in exchanged where name == tensor.tensor.name {
      let bytes = pieces[a].bytes
      pieces[a].bytes = pieces[b].bytes
      pieces[b].bytes = bytes
    }
    for (name, a, b) in doubled where name == tensor.tensor.name {
      pieces[b].offsets = pieces[a].offsets
    }
    for (name, index) in lost where name == tensor.tensor.name { pieces.remove(at: index) }
    return pieces
  }
}

extension TorchDistLiteral {
  private static let module = "torch.distributed.checkpoint.metadata"

  private static func description(of tensor: PlainCheckpointFile.Tensor, _ pieces: [Piece])
    -> PickleLiteral
  {
    let properties = PickleLiteral.tuple([
      .global("torch", TorchLiteral.types[tensor.type] ?? ""),
      .call("torch.serialization", "_get_layout", [.text("torch.strided")]), .bool(false),
      .call(module, "_MEM_FORMAT_ENCODING", [.int(1)]), .bool(false),
    ])
    let chunks = pieces.map { piece in
      PickleLiteral.object(
        module, "ChunkStorageMetadata",
        .named(["offsets": .size(piece.offsets), "sizes": .size(piece.shape)]))
    }
    return .object(
      module, "TensorStorageMetadata",
      .named([
        "properties": .object(module, "TensorProperties", properties), "size": .size(tensor.shape),
        "chunks": .list(chunks),
      ]))
  }

  private static func place(
    _ name: String, _ offsets: [Int]?, _ file: String, _ start: Int, _ length: Int
  ) -> (PickleLiteral, PickleLiteral) {
    let index = PickleLiteral.object(
      module, "MetadataIndex",
      .named([
        "fqn": .text(name), "offset": offsets.map { .size($0) } ?? .none, "index": .int(0),
      ]))
    let info = PickleLiteral.object(
      "torch.distributed.checkpoint.filesystem", "_StorageInfo",
      .named([
        "relative_path": .text(file), "offset": .int(start), "length": .int(length),
      ]))
    return (index, info)
  }

  private static func metadata(
    _ values: [(PickleLiteral, PickleLiteral)], _ places: [(PickleLiteral, PickleLiteral)]
  ) -> PickleLiteral {
    let planner = "torch.distributed.checkpoint.planner"
    let item = PickleLiteral.object(
      planner, "WriteItem",
      .named(["type": .call(planner, "WriteItemType", [.int(2)]), "tensor_data": .none]))
    let plan = PickleLiteral.object(
      planner, "SavePlan", .named(["items": .list([item]), "usable": .bool(true)]))
    return .object(
      module, "Metadata",
      .named([
        "state_dict_metadata": .dictionary(values), "planner_data": .none,
        "storage_data": .dictionary(places), "version": .text("1.0.0"),
        "all_local_plans": .list([plan]),
      ]))
  }
}

extension PlainCheckpointFile.Tensor {
  /// The bytes of a block.
  func block(at offsets: [Int], _ extents: [Int]) -> [UInt8] {
    let width = bytes.count / max(shape.reduce(1, *), 1)
    guard let last = shape.indices.last else { return bytes }
    let rows = extents.dropLast().reduce([[Int]]([[]])) { heads, extent in
      heads.flatMap { head in (0..<extent).map { head + [$0] } }
    }
    return rows.flatMap { row -> ArraySlice<UInt8> in
      let place = zip(row + [0], offsets).map { $0 + $1 }
      let start = zip(place, shape).reduce(0) { $0 * $1.1 + $1.0 } * width
      return bytes[start..<start + extents[last] * width]
    }
  }
}
