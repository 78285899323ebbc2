import Diagnostics
import Foundation
import GraftTestSupport
import SystemPackage
import Tensors
import Testing

@testable import Containers

/// Directories of torch.distributed.checkpoint, written by four ranks.
@Suite struct DistributedCheckpointTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  @Test func piecesOfEveryFormComeTogether() throws {
    let path = Fixtures.path("containers/dcp/mesh")
    let checkpoint = try StoredCheckpoint.open(path)
    let expected = try SafetensorsFile(FilePath(path.string + ".expected.safetensors")).tensors
    #expect(checkpoint.tensors.map(\.name).sorted() == expected.map(\.name).sorted())
    for tensor in expected {
      let found = try #require(checkpoint.tensor(tensor.name))
      #expect(found.type == tensor.type && found.shape == tensor.shape, "\(tensor.name)")
      #expect(found.contents == tensor.contents, "\(tensor.name)")
    }
    #expect(checkpoint.ignored.map(\.text) == ["step (a value)", "optimizer.m (a tensor)"])
    #expect(checkpoint.container == .torch && checkpoint.weightFiles.count == 4)
    #expect(checkpoint.sidecars.isEmpty && checkpoint.unread.isEmpty)
    try checkpoint.checkPayload()
  }

  @Test(arguments: ["lm-engine", "lm-engine-async"]) func wrappersOfLMEngine(_ name: String) throws
  {
    let path = Fixtures.path("containers/dcp/\(name)")
    let checkpoint = try StoredCheckpoint.open(path.appending(".metadata"))
    let inner = try #require(checkpoint.unwrapped)
    #expect(inner.takenOff.count == 1 && inner.unwrapped == nil)
    let original = try StoredCheckpoint.open(Fixtures.path("options/gdn-small"))
    #expect(Set(inner.tensors.map(\.name)) == Set(original.tensors.map(\.name)))
    for tensor in original.tensors {
      #expect(inner.tensor(tensor.name)?.contents == tensor.contents, "\(tensor.name)")
    }
    #expect(inner.ignored.count == (name == "lm-engine" ? 0 : 2))
  }

  /// Older releases do not tell which keys led to a value; its name is all there is then.
  @Test func withoutPlansNamesAreKeys() throws {
    let path = try folder.copy(of: "containers/dcp/mesh")
    let file = path.appending(".metadata")
    var bytes = try MappedFile.readAll(file, limit: 1 << 20)
    let (key, other) = (Array("planner_data".utf8), Array("planner_none".utf8))
    let place = try #require(bytes.indices.first { bytes[$0...].starts(with: key) })
    bytes.replaceSubrange(place..<place + key.count, with: other)
    let metadata = try bytes.withUnsafeBytes { try DistributedMetadata($0) }
    #expect(metadata.entries.allSatisfy { $0.path.count == 1 } && !metadata.entries.isEmpty)
  }

  @Test func aMissingOrShortFileIsNamed() throws {
    let path = try folder.copy(of: "containers/dcp/mesh")
    let file = path.appending("__2_0.distcp")
    var bytes = try MappedFile.readAll(file, limit: 1 << 20)
    bytes.removeLast(bytes.count / 2)
    try Data(bytes).write(to: URL(fileURLWithPath: file.string))
    let short = try #require(throws: Problem.self) { try StoredCheckpoint.open(path) }
    #expect(short.kind == .invalid && short.file == file.string)
    try FileManager.default.removeItem(atPath: file.string)
    let missing = try #require(throws: Problem.self) { try StoredCheckpoint.open(path) }
    #expect(missing.kind == .missing && missing.file == file.string)
  }

  @Test func otherWeightsBesideLeaveItOpen() throws {
    let path = try folder.copy(of: "containers/dcp/mesh")
    try Container.torch.write([], metadata: [], to: path.appending("pytorch_model.bin"))
    let problem = try #require(throws: Problem.self) { try StoredCheckpoint.open(path) }
    #expect(problem.kind == .invalid && problem.found == "pytorch_model.bin")
  }

  @Test func piecesMustCoverTheTensor() throws {
    func cover(_ shape: [Int], _ chunks: [(offsets: [Int], shape: [Int])]) throws -> ChunkCover<
      DistributedMetadata.Chunk
    > {
      try ChunkCover(
        shape, .f32,
        chunks.map { .init(offsets: $0.offsets, shape: $0.shape, fileName: "f", range: 0..<1) })
    }
    #expect(
      try cover([4, 2], [([2, 0], [2, 2]), ([0, 0], [2, 2]), ([4, 0], [0, 2])]).chunks.count == 2)
    #expect(try cover([], [([], [])]).chunks.count == 1)
    #expect(try cover([0, 2], [([0, 0], [0, 2])]).chunks.count == 1)
    for (chunks, what) in [
      ([([0, 0], [2, 2])], "the pieces do not cover the tensor of a distributed tensor"),
      ([([0, 0], [3, 2]), ([3, 0], [2, 2])], "a piece reaches beyond its tensor"),
      ([([0, 0], [4, 1]), ([0, 0], [2, 2])], "the pieces overlap of a distributed tensor"),
      ([([0, 0], [4, 2]), ([0, 0], [4, 2])], "the pieces overlap of a distributed tensor"),
      ([([0], [4])], "a piece reaches beyond its tensor"),
      ([([Int.max, 0], [1, 2])], "a piece reaches beyond its tensor"),
      ([], "the pieces do not cover the tensor of a distributed tensor"),
    ] as [([([Int], [Int])], String)] {
      let problem = try #require(throws: Problem.self) {
        try cover([4, 2], chunks.map { (offsets: $0.0, shape: $0.1) })
      }
      #expect(problem.what == what)
    }
    #expect(throws: Problem.self) { try cover([1 << 40, 1 << 40], []) }
  }

  @Test func piecesOfColumnsAreComparedWithinBounds() throws {
    let chunks = (0..<20).map {
      DistributedMetadata.Chunk(offsets: [0, $0], shape: [1, 1], fileName: "f", range: 0..<1)
    }
    #expect(try ChunkCover([1, 20], .f32, chunks, mostPairs: 190).chunks.count == 20)
    let problem = try #require(throws: Problem.self) {
      try ChunkCover([1, 20], .f32, chunks, mostPairs: 189)
    }
    #expect(problem.what == "a distributed tensor is in too many pieces")
  }

  /// However a tensor is read, window by window, each of its pieces is read once.
  @Test func everyPieceIsReadOnce() throws {
    let (rows, columns) = (6, 8)
    let pieces = (0..<6).map { index in
      StoredPiece(
        offsets: [index / 2 * 2, index % 2 * 4], shape: [2, 4],
        region: ByteRegion(CountedBytes(ByteRegion(OwnedBytes([Float](repeating: 1, count: 8))))))
    }
    let cover = try ChunkCover([rows, columns], .f32, pieces)
    let region = cover.region(of: cover.chunks.map(\.region), .f32)
    var found = 0
    for start in stride(from: 0, to: region.count, by: 20) {
      try region.withBytes(in: start..<min(start + 20, region.count)) { found += $0.count }
    }
    #expect(found == rows * columns * 4)
    for piece in pieces {
      #expect((piece.region.storage as? CountedBytes)?.read == piece.region.count)
    }
  }

  @Test func keysOfDifferentDepths() throws {
    let tensor = DistributedMetadata.Tensor(type: .f32, shape: [], chunks: [])
    let state = try DistributedState([
      .init(path: ["state"], tensor: nil), .init(path: ["state", "model", "w"], tensor: tensor),
      .init(path: ["state", "model"], tensor: tensor),
      .init(path: ["state", "step"], tensor: nil),
      .init(path: ["state", "model", "step"], tensor: nil),
    ])
    #expect(state.tensors.map(\.name) == ["w"])
    #expect(
      state.ignored.map(\.text) == [
        "state (a value)", "state.model (a tensor)", "state.step (a value)",
        "state.model.step (a value)",
      ])
    #expect(throws: Problem.self) {
      try DistributedState([.init(path: ["state", "a\nb"], tensor: tensor)])
    }
  }

  /// An application that saves its state as a whole gives it a name of its own.
  @Test(arguments: ["app", "anything"]) func keysOfAnApplication(_ name: String) throws {
    let tensor = DistributedMetadata.Tensor(type: .f32, shape: [], chunks: [])
    let state = try DistributedState([
      .init(path: [name, "model", "a.w"], tensor: tensor),
      .init(path: [name, "optim", "state", "a.w", "exp_avg"], tensor: tensor),
      .init(path: [name, "optim", "state", "a.w", "step"], tensor: tensor),
      .init(path: ["epoch"], tensor: nil),
    ])
    #expect(state.tensors.map(\.name) == ["a.w"])
    #expect(
      IgnoredValue.summary(state.ignored) == ["epoch (a value)", "\(name).optim (2 tensors)"])
    let flat = try DistributedState([.init(path: ["layers", "0", "w"], tensor: tensor)])
    #expect(flat.tensors.map(\.name) == ["layers.0.w"])
  }

  @Test func damagedMetadataIsReadWithinBoundsOrRefused() throws {
    let path = try folder.copy(of: "containers/dcp/mesh")
    let file = path.appending(".metadata")
    let bytes = try MappedFile.readAll(file, limit: 1 << 20)
    try Mutations.forEach(of: bytes, count: 1000) { damaged, seed in
      try Data(damaged).write(to: URL(fileURLWithPath: file.string))
      guard let checkpoint = try? StoredCheckpoint.open(path) else { return }
      let total = checkpoint.tensors.reduce(0) { $0 + $1.byteCount }
      #expect(total <= 64 << 10, "seed \(seed)")
      for tensor in checkpoint.tensors { #expect(tensor.contents.count == tensor.byteCount) }
    }
  }
}
