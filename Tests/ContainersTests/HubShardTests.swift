import Diagnostics
import Foundation
import GraftTestSupport
import SystemPackage
import Tensors
import Testing

@testable import Containers

/// Safetensors with parts of tensors, which each rank wrote in the form of the hub.
@Suite struct HubShardTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private typealias Part = (name: String, offsets: [Int], shape: [Int])

  private func name(_ rank: Int, _ number: Int = 1, of count: Int = 1) -> String {
    "shard-0000\(rank)-model-0000\(number)-of-0000\(count).safetensors"
  }

  private func write(_ name: String, _ parts: [Part], isSaid: Bool = true, type: ScalarType = .f32)
    throws
  {
    let info = parts.map { "\"\($0.name)\":{\"saved_offsets\":\($0.offsets)}" }
    let tensors = parts.map { part in
      let bytes = [UInt8](
        repeating: UInt8(truncatingIfNeeded: part.offsets.first ?? 0),
        count: part.shape.reduce(type.bitWidth / 8, *))
      return TensorToWrite(name: part.name, type: type, shape: part.shape) { try $0.write(bytes) }
    }
    try Container.safetensors.write(
      tensors,
      metadata: isSaid
        ? [(RankShards.metadataKey, "{\(info.joined(separator: ","))}"), ("format", "pt")] : [],
      to: folder.path.appending(name))
  }

  private func problem() throws -> Problem {
    try #require(throws: Problem.self) { try StoredCheckpoint.open(folder.path) }
  }

  @Test func aRankNeedNotHaveAFileOfWhatItHoldsNothingOf() throws {
    try write(name(1, 1, of: 2), [("a", [0, 0], [2, 3])])
    try write(name(2, 1, of: 2), [("a", [2, 0], [1, 3])])
    try write(name(2, 2, of: 2), [("b", [], [])])
    let checkpoint = try StoredCheckpoint.open(folder.path)
    #expect(checkpoint.tensors.map(\.shape) == [[3, 3], []])
    #expect(checkpoint.tensor("a")?.contents.suffix(12) == Array(repeating: 2, count: 12)[...])
    #expect(checkpoint.shards[0].content.metadata.map(\.key) == ["format"])
  }

  @Test func missingFilesAreNamed() throws {
    try write(name(1, 1, of: 2), [("a", [0], [2])])
    #expect(try problem().found == "no file of number 2")
    try write(name(1, 2, of: 2), [("b", [0], [2])])
    try write(name(3, 2, of: 2), [("b", [4], [2])])
    #expect(try problem().found == "no file of rank 2")
    try write(name(2, 2, of: 2), [("b", [2], [2])])
    try write(name(2, 1, of: 2), [("a", [2], [2])])
    #expect(try problem().found == "no file 1 of rank 3, and tensors in 2 parts")
  }

  /// Of two ranks that hold the same, one writes it.
  @Test func aRankNeedNotHaveAFileOfWhatItsTwinWrites() throws {
    try write(name(1, 1, of: 2), [("a", [0], [2])])
    try write(name(4, 1, of: 2), [("a", [2], [2])])
    try write(name(2, 2, of: 2), [("b", [2], [2])])
    try write(name(3, 2, of: 2), [("b", [0], [2])])
    #expect(try StoredCheckpoint.open(folder.path).tensors.map(\.shape) == [[4], [4]])
  }

  @Test func partsTileTheTensor() throws {
    try write(name(1), [("a", [0, 0], [2, 2])])
    for (offsets, shape, what) in [
      ([2, 0], [2, 1], "the pieces do not cover the tensor of a distributed tensor"),
      ([1, 0], [2, 2], "the pieces overlap of a distributed tensor"),
      ([3, 0], [1, 2], "the pieces do not cover the tensor of a distributed tensor"),
      ([0], [2, 2], "the file does not say where a part of a tensor begins"),
      ([-1, 0], [1, 2], "the file does not say where a part of a tensor begins"),
      ([2], [2], "the ranks disagree about a tensor"),
      ([Int.max, 0], [1, 2], "the shape overflows of a distributed tensor"),
      ([1 << 62, 0], [1, 2], "the shape overflows of a distributed tensor"),
    ] {
      try? FileManager.default.removeItem(atPath: folder.path.appending(name(2)).string)
      try write(name(2), [("a", offsets, shape)])
      let found = try problem()
      #expect(found.what == what && found.tensor == "a" && found.kind == .invalid)
    }
  }

  @Test func filesOfOneSaveBelongTogether() throws {
    try write(name(1), [("a", [0], [2])])
    try write(name(2), [("a", [2], [2])], isSaid: false)
    #expect(try problem().what == "the file does not say which parts of tensors it holds")
    try FileManager.default.removeItem(atPath: folder.path.appending(name(2)).string)
    try write(name(2), [("a", [2], [2])], type: .i32)
    #expect(try problem().what == "the ranks disagree about a tensor")
    try write(name(2, 1, of: 2), [("a", [2], [2])])
    #expect(try problem().found == name(2, 1, of: 2))
    try FileManager.default.removeItem(atPath: folder.path.appending(name(2, 1, of: 2)).string)
    try write("model.safetensors", [("a", [0], [2])], isSaid: false)
    #expect(try problem().found == "model.safetensors")
  }
}
