import Diagnostics
import GraftTestSupport
import JSON
import SystemPackage
import Tensors
import Testing

@testable import Containers

/// GGUF files in a directory: which of them are the model.
struct GGUFCheckpointTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func write(_ name: String, _ tensors: [String], part: Int, of count: Int, total: Int)
    throws
  {
    let metadata = try GGUFConfig.metadata(
      [("general.architecture", GGUFValue("x"))], mostly: .f32, part: part, of: count,
      tensors: total)
    try GGUFWriter.write(
      tensors.map { name in
        TensorToWrite(name: name, type: .f32, shape: [2]) {
          try $0.write([UInt8](repeating: 1, count: 8))
        }
      }, metadata: metadata, to: directory.path.appending(name))
  }

  @Test func oneFileOfAnyName() throws {
    try write("some-model.Q8_0.gguf", ["a", "b"], part: 0, of: 1, total: 2)
    try directory.write("config.json", "{}".utf8)
    let checkpoint = try StoredCheckpoint.open(directory.path)
    #expect(checkpoint.container == .gguf && checkpoint.tensors.map(\.name) == ["a", "b"])
    #expect(checkpoint.config?["general.architecture"] == "x")
    #expect(checkpoint.config?["tensors"]?["b"] == true)
    #expect(checkpoint.unread == ["config.json"])
    #expect(try checkpoint.configBytes.map { try JSONValue(parsing: $0) } == checkpoint.config)
  }

  @Test func severalFiles() throws {
    try write("m-00001-of-00002.gguf", ["a"], part: 0, of: 2, total: 3)
    try write("m-00002-of-00002.gguf", ["b", "c"], part: 1, of: 2, total: 3)
    for path in [directory.path, directory.path.appending("m-00002-of-00002.gguf")] {
      let checkpoint = try StoredCheckpoint.open(path)
      #expect(checkpoint.tensors.map(\.name) == ["a", "b", "c"])
      #expect(checkpoint.config?["general.architecture"] == "x" && !checkpoint.hasIndex)
    }
  }

  @Test(arguments: [(1, 2, 3), (0, 3, 3), (1, 3, 2)])
  func partsThatAreNotWhatTheySay(_ part: Int, _ count: Int, _ total: Int) throws {
    try write("m-00001-of-00002.gguf", ["a"], part: 0, of: 2, total: 3)
    try write("m-00002-of-00002.gguf", ["b"], part: part, of: count, total: total)
    let problem = try #require(throws: Problem.self) { try StoredCheckpoint.open(directory.path) }
    #expect(problem.what == "the file is not the part that its name and its neighbours say")
  }

  @Test func severalModelsLeaveOpenWhichIsMeant() throws {
    try write("a.gguf", ["a"], part: 0, of: 1, total: 1)
    try write("b.gguf", ["a"], part: 0, of: 1, total: 1)
    let problem = try #require(throws: Problem.self) { try StoredCheckpoint.open(directory.path) }
    #expect(problem.remedy == "give the path of the file itself")
    let one = try StoredCheckpoint.open(directory.path.appending("a.gguf"))
    #expect(one.unread == ["b.gguf"])
  }

  @Test func aMissingPartIsNamed() throws {
    try write("m-00001-of-00002.gguf", ["a"], part: 0, of: 2, total: 2)
    for path in [directory.path, directory.path.appending("m-00001-of-00002.gguf")] {
      let problem = try #require(throws: Problem.self) { try StoredCheckpoint.open(path) }
      #expect(problem.kind == .missing && problem.file == directory.path.string)
      #expect(problem.found == "no m-00002-of-00002.gguf")
    }
  }

  @Test func aProjectorBesideTheModelIsNotRead() throws {
    try write("model.gguf", ["a"], part: 0, of: 1, total: 1)
    try write("mmproj-model.gguf", ["v"], part: 0, of: 1, total: 1)
    let checkpoint = try StoredCheckpoint.open(directory.path)
    #expect(checkpoint.tensors.map(\.name) == ["a"])
    #expect(checkpoint.unread == ["mmproj-model.gguf"])
  }
}
