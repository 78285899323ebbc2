import Diagnostics
import Foundation
import GraftTestSupport
import SystemPackage
import Tensors
import Testing

@testable import Containers

/// Directories to which each rank of a trainer wrote its parts of the tensors.
@Suite struct RankFileTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func move(_ name: String, to other: String, in path: FilePath) throws {
    try? FileManager.default.removeItem(atPath: path.appending(other).string)
    try FileManager.default.moveItem(
      atPath: path.appending(name).string, toPath: path.appending(other).string)
  }

  private func problem(_ path: FilePath) throws -> Problem {
    try #require(throws: Problem.self) { try StoredCheckpoint.open(path).checkPayload() }
  }

  /// Packs a file of torch anew, with what `change` makes of the content of its entries.
  private func edit(
    _ name: String, _ change: (_ entry: String, inout [UInt8]) -> Void, in path: FilePath
  )
    throws
  {
    let file = path.appending(name)
    let archive = try ZipArchive(OwnedBytes(copying: MappedFile.readAll(file, limit: 1 << 20)))
    var zip = ZipPlan()
    for entry in archive.entries {
      var content = try entry.bytes(limit: 1 << 20)
      change(entry.name, &content)
      zip.add(entry.name, content)
    }
    try FileManager.default.removeItem(atPath: file.string)
    try WeightFileWriter(creating: file, zip.plan).finish()
  }

  /// Replaces bytes of the pickle of a file by others, where they come first.
  private func replace(_ old: [UInt8], by new: [UInt8], in name: String, of path: FilePath) throws {
    var isFound = false
    try edit(
      name,
      { entry, content in
        guard entry.hasSuffix("data.pkl") else { return }
        isFound = !content.ranges(of: old).isEmpty
        content.replace(old, with: new, maxReplacements: 1)
      }, in: path)
    try #require(isFound)
  }

  @Test(arguments: [
    "ranks/fsdp", "ranks/fsdp-2.4", "ranks/fsdp-2.10", "ranks/hsdp", "ranks/fsdp-tp", "hub/shards",
  ])
  func partsOfEveryPlacementComeTogether(_ name: String) throws {
    let path = Fixtures.path("containers/\(name)")
    let checkpoint = try StoredCheckpoint.open(path)
    let expected = try SafetensorsFile(FilePath(path.string + ".expected.safetensors")).tensors
    #expect(checkpoint.tensors.map(\.name).sorted() == expected.map(\.name).sorted())
    for tensor in expected {
      let found = try #require(checkpoint.tensor(tensor.name))
      #expect(found.type == tensor.type && found.shape == tensor.shape, "\(tensor.name)")
      #expect(found.contents == tensor.contents, "\(tensor.name)")
    }
    try checkpoint.checkPayload()
    #expect(checkpoint.container == (name == "hub/shards" ? .safetensors : .torch))
    #expect(checkpoint.unread.isEmpty)
  }

  @Test func stateOfTheOptimizerLiesBeside() throws {
    let checkpoint = try StoredCheckpoint.open(Fixtures.path("containers/ranks/fsdp"))
    #expect(checkpoint.weightFiles == (0..<3).map { "model_world_size_3_rank_\($0).pt" })
    #expect(try checkpoint.neighbours().map(\.kind) == [.training, .training, .training])
  }

  @Test func oneFileAloneIsOneRank() throws {
    let path = try folder.copy(of: "containers/ranks/fsdp")
    let name = "model_world_size_3_rank_1.pt"
    let complete = try problem(path.appending(name))
    #expect(complete.kind == .unsupported && complete.found == "rank 1 of 3")
    #expect(complete.remedy == "give the directory, in which the files of all ranks are")
    try FileManager.default.removeItem(
      atPath: path.appending("model_world_size_3_rank_2.pt").string)
    let alone = try problem(path.appending(name))
    #expect(alone.remedy == "fetch model_world_size_3_rank_2.pt, and give the directory")
    let missing = try problem(path)
    #expect(missing.kind == .missing && missing.what == "files of ranks are not there")
    #expect(missing.found == "no model_world_size_3_rank_2.pt")
  }

  @Test func ranksOfOneSaveBelongTogether() throws {
    let path = try folder.copy(of: "containers/ranks/fsdp")
    try FileManager.default.copyItem(
      atPath: Fixtures.path("containers/ranks/hsdp/model_world_size_4_rank_0.pt").string,
      toPath: path.appending("model_world_size_4_rank_0.pt").string)
    let sizes = try problem(path)
    #expect(sizes.kind == .invalid && sizes.found == "model_world_size_4_rank_0.pt")
    try move("model_world_size_4_rank_0.pt", to: "pytorch_model.bin", in: path)
    let forms = try problem(path)
    #expect(forms.kind == .invalid && forms.found == "pytorch_model.bin")
    try move("pytorch_model.bin", to: "model_world_size_3_rank_1.pt", in: path)
    let names = try problem(path)
    #expect(names.what == "a rank lacks a tensor that another one has" && names.tensor == "uneven")
  }

  @Test func aFileUnderTheNameOfAnotherRankLeavesAHole() throws {
    let path = try folder.copy(of: "containers/ranks/fsdp")
    try FileManager.default.removeItem(
      atPath: path.appending("model_world_size_3_rank_1.pt").string)
    try FileManager.default.copyItem(
      atPath: path.appending("model_world_size_3_rank_0.pt").string,
      toPath: path.appending("model_world_size_3_rank_1.pt").string)
    let hole = try problem(path)
    #expect(hole.kind == .invalid && hole.tensor == "uneven")
    #expect(hole.what == "the pieces do not cover the tensor of a distributed tensor")
  }

  @Test func ranksSayTheSameOfATensor() throws {
    let path = try folder.copy(of: "containers/ranks/fsdp-2.4")
    let file = "model_world_size_3_rank_1.pt"
    try replace(Array("one.row".utf8), by: Array("two.row".utf8), in: file, of: path)
    #expect(try problem(path).tensor == "one.row")
    let twin = [7, 0, 0, 0] + Array("columns".utf8)
    try replace([7, 0, 0, 0] + Array("two.row".utf8), by: twin, in: file, of: path)
    let twice = try problem(path)
    #expect(twice.what == "a tensor is stored twice" && twice.tensor == "columns")
  }

  /// `Shard(dim=0)` becomes `Shard(dim=1)`, with and without the ranks agreeing about it.
  @Test func placementsFitTheParts() throws {
    let path = try folder.copy(of: "containers/ranks/fsdp-2.4")
    for rank in (0..<3).reversed() {
      let name = "model_world_size_3_rank_\(rank).pt"
      try edit(
        name,
        { entry, content in
          guard entry.hasSuffix("data.pkl"),
            let key = content.firstRange(of: [3, 0, 0, 0] + Array("dim".utf8) + [0x71])
          else { return }
          let place = content[key.upperBound...].firstIndex(of: 0x4b) ?? 0
          content[place + 1] = 1
        }, in: path)
      let found = try problem(path)
      #expect(found.tensor == "uneven" && found.kind == .invalid)
      #expect(
        found.what
          == (rank > 0
            ? "the ranks disagree about a tensor"
            : "a rank holds another part of a DTensor than its placement says"))
    }
  }

  @Test func placementsThatAreNotReadAreNamed() throws {
    let path = try folder.copy(of: "containers/ranks/fsdp-2.4")
    let old = Array("placement_types\nShard\n".utf8)
    for rank in 0..<3 {
      try replace(
        old, by: Array("placement_types\nPartial\n".utf8),
        in: "model_world_size_3_rank_\(rank).pt", of: path)
    }
    let found = try problem(path)
    #expect(found.kind == .unsupported && found.tensor == "uneven")
    #expect(found.what == "a placement of a DTensor that is not read")
  }

  @Test func replicasHoldTheSame() throws {
    let path = try folder.copy(of: "containers/ranks/hsdp")
    let whole = try StoredCheckpoint.open(path)
    let row = Array(try #require(whole.tensor("replicated")).contents)
    try edit(
      "model_world_size_4_rank_3.pt",
      { entry, content in
        guard entry.contains("/data/"), let place = content.firstRange(of: row) else { return }
        content[place.lowerBound] ^= 1
      }, in: path)
    let found = try problem(path)
    #expect(found.what == "two ranks hold different values of the same part of a tensor")
    #expect(found.tensor == "replicated" && found.file?.hasSuffix("rank_3.pt") == true)
  }

  @Test func damagedFilesAreReadWithinBoundsOrRefused() throws {
    let path = try folder.copy(of: "containers/ranks/hsdp")
    let file = path.appending("model_world_size_4_rank_2.pt")
    let bytes = try MappedFile.readAll(file, limit: 1 << 20)
    try Mutations.forEach(of: bytes, count: 200) { damaged, seed in
      try Data(damaged).write(to: URL(fileURLWithPath: file.string))
      guard let checkpoint = try? StoredCheckpoint.open(path) else { return }
      for tensor in checkpoint.tensors {
        #expect(tensor.contents.count == tensor.byteCount, "seed \(seed)")
      }
    }
  }
}
