import Containers
import Diagnostics
import Foundation
import GraftTestSupport
import JSON
import SystemPackage
import Testing

@Suite struct StoredCheckpointTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Writes a file with one byte for each name.
  private func weights(_ file: String, _ names: [String]) throws {
    let tensors = names.map { name in
      TensorToWrite(name: name, type: .u8, shape: [1]) { try $0.write([7]) }
    }
    try SafetensorsWriter.write(tensors, to: directory.path.appending(file))
  }

  private func index(_ map: [(tensor: String, file: String)], size: Int?) throws {
    let index = ShardIndex(weightMap: map, totalSize: size, totalParameters: size)
    try directory.write(Container.safetensors.indexName, index.text.utf8)
  }

  private func problems() throws -> [Problem] {
    do {
      _ = try StoredCheckpoint.open(directory.path)
      return []
    } catch let problem as Problem {
      return problem.each
    }
  }

  private func path(_ name: String) -> String { directory.path.appending(name).string }

  private static let first = "model-00001-of-00002.safetensors"
  private static let second = "model-00002-of-00002.safetensors"

  @Test func oneFileWithEverythingBeside() throws {
    try weights("model.safetensors", ["b", "a"])
    try weights("reference.safetensors", ["logits"])
    try directory.write("config.json", "{\"z\": 1, \"a\": 2}".utf8)
    try directory.write("tokenizer.json", "{}".utf8)
    try FileManager.default.createDirectory(
      atPath: path("templates"), withIntermediateDirectories: false)
    try FileManager.default.createSymbolicLink(
      atPath: path("link.txt"), withDestinationPath: "tokenizer.json")
    let checkpoint = try StoredCheckpoint.open(directory.path)
    #expect(checkpoint.directory == directory.path && !checkpoint.hasIndex)
    #expect(checkpoint.shards.map(\.fileName) == ["model.safetensors"])
    #expect(checkpoint.tensors.map(\.name) == ["a", "b"])
    #expect(checkpoint.tensor("b")?.contents == [7] && checkpoint.tensor("c") == nil)
    #expect(checkpoint.config?.object?.keys == ["z", "a"])
    #expect(checkpoint.configBytes == Array("{\"z\": 1, \"a\": 2}".utf8))
    #expect(checkpoint.sidecars == ["link.txt", "reference.safetensors", "tokenizer.json"])
    #expect(checkpoint.subdirectories == ["templates"])
  }

  @Test func indexedShards() throws {
    try weights(Self.first, ["a", "c"])
    try weights(Self.second, ["b"])
    try index([("a", Self.first), ("b", Self.second), ("c", Self.first)], size: 3)
    let checkpoint = try StoredCheckpoint.open(directory.path)
    #expect(checkpoint.hasIndex && checkpoint.config == nil && checkpoint.sidecars.isEmpty)
    #expect(checkpoint.shards.map(\.fileName) == [Self.first, Self.second])
    #expect(checkpoint.tensors.map(\.name) == ["a", "c", "b"])
    let byIndex = try StoredCheckpoint.open(
      directory.path.appending(Container.safetensors.indexName))
    #expect(byIndex.tensors.map(\.name) == ["a", "c", "b"] && byIndex.hasIndex)
  }

  @Test func numberedShardsWithoutIndex() throws {
    try weights(Self.first, ["a"])
    try weights(Self.second, ["b"])
    #expect(try StoredCheckpoint.open(directory.path).tensors.map(\.name) == ["a", "b"])
  }

  @Test func oneFileOfADirectory() throws {
    try weights("other.safetensors", ["x"])
    try weights("model.safetensors", ["a"])
    try directory.write("config.json", "{}".utf8)
    let checkpoint = try StoredCheckpoint.open(directory.path.appending("other.safetensors"))
    #expect(checkpoint.tensors.map(\.name) == ["x"] && checkpoint.config == [:])
    #expect(checkpoint.directory == directory.path && checkpoint.sidecars.isEmpty)
    #expect(checkpoint.unread == ["model.safetensors"])
  }

  @Test(arguments: [
    ["model.safetensors", first], [first, "model-00002-of-00003.safetensors"],
    [first, second, "model-00001-of-00003.safetensors"], ["model.fp16.safetensors"],
    ["model.safetensors", "model_old.safetensors"],
  ])
  func ambiguousNamesAreRefused(_ names: [String]) throws {
    for name in names { try weights(name, ["a"]) }
    let problem = try #require(try problems().first)
    #expect(problem.kind == .invalid && problem.file == directory.path.string)
    #expect(problem.what == "the files leave open which of them are the model")
    #expect(problem.found == names.sorted().joined(separator: ", "))
  }

  @Test(arguments: [
    (["m-00002-of-00003"], ["m-00001-of-00003", "m-00003-of-00003"]),
    (["-00001-of-00005", "-00005-of-00005"], (2...4).map { "-0000\($0)-of-00005" }),
  ])
  func filesOfASetThatAreMissing(_ names: [String], _ missing: [String]) throws {
    for name in names { try weights("model\(name).safetensors", ["a"]) }
    let problem = try #require(try problems().first)
    #expect(problem.kind == .missing && problem.what == "files of a set are not there")
    let expected = missing.map { "model\($0).safetensors" }.joined(separator: ", ")
    #expect(problem.found == "no " + expected)
  }

  @Test func twoShardsWithOneTensor() throws {
    try weights(Self.first, ["a"])
    try weights(Self.second, ["a"])
    #expect(
      try problems() == [
        Problem(
          .invalid, "a tensor is stored twice", file: path(Self.second), tensor: "a",
          expected: "each name once", found: "also in \(path(Self.first))",
          remedy: "fetch the file again, or make it anew with the tool that wrote it")
      ])
  }

  @Test func everyDisagreementWithTheIndexAtOnce() throws {
    try weights(Self.first, ["a", "moved", "twice", "unlisted"])
    try weights(Self.second, ["b", "twice"])
    try weights("model.safetensors", ["a"])
    try weights("debug.safetensors", ["a"])
    try index(
      [
        ("a", Self.first), ("b", Self.second), ("moved", Self.second), ("twice", Self.first),
        ("absent", Self.first),
      ], size: 5)
    let found = try problems()
    #expect(found.allSatisfy { $0.kind == .invalid })
    #expect(
      found.map { [$0.what, $0.file, $0.tensor, $0.expected, $0.found] } == [
        [
          "a weight file that the index does not name", path("model.safetensors"), nil,
          "only files named by the index", nil,
        ],
        [
          "a tensor is in a file that the index does not name for it", path(Self.first), "moved",
          "only in \(Self.second)", "in \(Self.first)",
        ],
        [
          "a tensor is not in the index", path(Self.first), "unlisted",
          "every stored tensor in model.safetensors.index.json", "in \(Self.first) only",
        ],
        [
          "a tensor is in a file that the index does not name for it", path(Self.second), "twice",
          "only in \(Self.first)", "in \(Self.second)",
        ],
        [
          "a tensor is not in the file that the index names", path(Self.first), "absent",
          "in \(Self.first)", "in no file",
        ],
        [
          "total_size of the index is not the size of the tensors",
          path("model.safetensors.index.json"), nil, "6", "5",
        ],
      ])
  }

  @Test func aShardThatIsMissingOrCorrupt() throws {
    try directory.write(Self.first, [1, 2, 3])
    try index([("a", Self.first), ("b", Self.second)], size: 2)
    let found = try problems()
    #expect(found.map(\.kind) == [.invalid, .missing])
    #expect(found.map(\.file) == [path(Self.first), path(Self.second)])
    #expect(found.last?.what == "a file that the index names is not there")
  }

  @Test func whatIsNotThere() throws {
    let absent = directory.path.appending("absent")
    let problem = try #require(throws: Problem.self) { try StoredCheckpoint.open(absent) }
    #expect(problem.kind == .missing && problem.exitCode == 66 && problem.file == absent.string)
    #expect(try problems().map(\.kind) == [.missing])
    try weights("adapter.safetensors", ["a"])
    #expect(try problems().first?.found == "adapter.safetensors")
    try FileManager.default.createSymbolicLink(
      atPath: path("model.safetensors"), withDestinationPath: "nowhere")
    #expect(try problems().map(\.kind) == [.missing])
  }

  @Test func aLinkThatLeadsNowhere() throws {
    try weights("model.safetensors", ["a"])
    try FileManager.default.createSymbolicLink(
      atPath: path("tokenizer.json"), withDestinationPath: "nowhere")
    let found = try problems()
    #expect(found.map(\.what) == ["a link that leads nowhere"])
    #expect(found.map(\.file) == [path("tokenizer.json")])
  }

  @Test(arguments: [
    ("config.json", "{,}"), (Container.safetensors.indexName, "{}"), ("model.safetensors", ""),
  ])
  func corruptFilesAreNamed(_ name: String, _ text: String) throws {
    try weights("model.safetensors", ["a"])
    try directory.write(name, text.utf8)
    let found = try problems()
    #expect(found.map(\.kind) == [.invalid] && found.map(\.file) == [path(name)])
  }

  @Test func severalContainers() throws {
    for container in [Container.torch, .npz] {
      try container.write([], metadata: [], to: directory.path.appending(container.singleName))
    }
    let problem = try #require(try problems().first)
    #expect(problem.kind == .invalid && problem.found == "torch, npz")
    let file = directory.path.appending("weights.npz")
    #expect(try StoredCheckpoint.open(file).unread == ["pytorch_model.bin"])
    try weights("model.safetensors", ["a"])
    let checkpoint = try StoredCheckpoint.open(directory.path)
    #expect(checkpoint.container == .safetensors && checkpoint.tensors.map(\.name) == ["a"])
    #expect(checkpoint.unread == ["pytorch_model.bin", "weights.npz"])
  }

  @Test func otherFilesAreNotWeights() throws {
    let file = try directory.write("model.h5", [0])
    let problem = try #require(throws: Problem.self) { try StoredCheckpoint.open(file) }
    #expect(problem.kind == .unsupported && problem.file == file.string)
  }
}
