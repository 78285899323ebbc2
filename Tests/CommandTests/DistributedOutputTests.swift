import Foundation
import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Distributed checkpoints through the command line: what training jobs begin with.
@Suite struct DistributedOutputTests {
  private let folder: TemporaryDirectory
  private let source = Fixtures.path("options/gdn-small")

  init() throws { folder = try TemporaryDirectory() }

  private func convert(_ from: FilePath, _ to: FilePath, _ options: String...) throws
    -> CommandResult
  {
    try GraftCommand.run(["convert", from.string, to.string] + options)
  }

  private func expectSource(_ path: FilePath) throws {
    let back = folder.path.appending("back")
    expectSuccess(try convert(path, back, "--container", "safetensors"))
    for name in ["model.safetensors", "config.json"] {
      #expect(
        try Fixtures.contents(back.appending(name)) == Fixtures.contents(source.appending(name)))
    }
    try FileManager.default.removeItem(atPath: back.string)
  }

  @Test(arguments: [[], ["--key-prefix", "state/model."], ["--key-prefix", "model/"]])
  func manyFilesAndBack(_ options: [String]) throws {
    let out = folder.path.appending("out")
    let words = ["convert", source.string, out.string, "--container", "dcp", "--max-shard-size"]
    expectSuccess(try GraftCommand.run(words + ["20KB"] + options))
    let names = EditableCheckpoint.names(in: out)
    #expect(names.filter { $0.hasSuffix(".distcp") }.count > 4)
    #expect(names.contains(".metadata") && names.contains("config.json"))
    try expectSource(out)
    expectSuccess(try GraftCommand.run("verify", source.string, out.string, "--gate", "0"))
    expectSuccess(try GraftCommand.run(words + ["1GB", "--overwrite"] + options))
    #expect(
      EditableCheckpoint.names(in: out).filter { $0.hasSuffix(".distcp") } == ["__0_0.distcp"])
    try expectSource(out)
  }

  @Test func partsAndFinishedFiles() throws {
    let out = folder.path.appending("out")
    let options = ["--container", "torch_dist", "--max-shard-size", "30KB"]
    let words = ["convert", source.string, out.string] + options
    expectSuccess(try GraftCommand.run(words + ["--part", "1/2"]))
    expectSuccess(try GraftCommand.run(words + ["--part", "2/2"]))
    let again = try GraftCommand.run(words + ["--part", "2/2", "--json"])
    expectSuccess(again)
    #expect(try again.json()["resumed_files"]?.int ?? 0 > 0)
    let inner = folder.path.appending("out.graft-partial/out/iter_0000000")
    let file = try #require(
      EditableCheckpoint.names(in: inner).first { $0.hasSuffix(".distcp") })
    let whole = try Fixtures.contents(inner.appending(file))
    for place in [0, whole.count / 2, whole.count - 1] {
      var bytes = whole
      bytes[place] ^= 1
      try Data(bytes).write(to: URL(fileURLWithPath: inner.appending(file).string))
      expectRefusal(try GraftCommand.run(words + ["--finish"]), 65, [file])
    }
    try Data(whole).write(to: URL(fileURLWithPath: inner.appending(file).string))
    expectSuccess(try GraftCommand.run(words + ["--finish"]))
    try expectSource(out.appending("iter_0000000"))
  }

  @Test func aDirectoryOfMegatron() throws {
    let out = folder.path.appending("out")
    expectSuccess(try convert(source, out, "--container", "torch_dist"))
    #expect(
      EditableCheckpoint.names(in: out) == [
        "iter_0000000", "latest_checkpointed_iteration.txt", "latest_train_state.pt",
      ])
    let iteration = out.appending("iter_0000000")
    let names = EditableCheckpoint.names(in: iteration)
    for name in [".metadata", "__0_0.distcp", "common.pt", "metadata.json", "train_state.pt"] {
      #expect(names.contains(name))
    }
    let backend = try JSONValue(
      parsing: Fixtures.contents(iteration.appending("metadata.json")))
    #expect(backend["sharded_backend"] == "torch_dist")
    let mode = try FileManager.default.attributesOfItem(atPath: iteration.string)[.posixPermissions]
    let expected = try FileManager.default.attributesOfItem(atPath: out.string)[.posixPermissions]
    #expect((mode as? NSNumber) == (expected as? NSNumber))
    try expectSource(iteration)
    expectRefusal(try convert(source, out, "--container", "torch_dist"), 73, ["exists already"])
    expectSuccess(try convert(source, out, "--container", "torch_dist", "--overwrite"))
    expectSuccess(try convert(source, out, "--container", "dcp", "--overwrite"))
    #expect(!EditableCheckpoint.names(in: out).contains("iter_0000000"))
    #expect(EditableCheckpoint.names(in: folder.path) == ["out"])
  }

  /// The options of the run say what the model is; the record keeps what they have no words for.
  @Test(
    arguments: ["mcore-gpt", "mcore-hybrid", "mcore-slime"],
    ["qwen3_5/text-bf16", "qwen3_5_moe/text-f32", "qwen3_next/bf16"])
  func theLayoutsOfMegatronAndBack(_ layout: String, _ name: String) throws {
    let source = Fixtures.path("huggingface/\(name)")
    let (out, back) = (folder.path.appending("out"), folder.path.appending("back"))
    expectSuccess(try convert(source, out, "--to", layout))
    let names = EditableCheckpoint.names(in: out.appending("iter_0000000"))
    #expect(!names.contains("config.json") && names.contains("common.pt"))
    #expect(names.contains("run_config.yaml") == (layout != "mcore-hybrid"))
    #expect(
      try GraftCommand.run("inspect", out.string, "--json").json()["layout"] == .string(layout))
    expectSuccess(try convert(out, back, "--to", String(name.prefix { $0 != "/" })))
    try expectSameTensors(back, source)
    #expect(
      try Fixtures.contents(back.appending("config.json"))
        == Fixtures.contents(source.appending("config.json")))
    expectSuccess(try convert(source, out, "--to", layout, "--overwrite"))
  }

  /// What nobody told Graft to replace stays, beside the iteration and in it.
  @Test(arguments: ["notes.txt", "iter_0000000/notes.txt", "iter_0000010"])
  func whatElseLiesThereStays(_ name: String) throws {
    let out = folder.path.appending("out")
    expectSuccess(try convert(source, out, "--container", "torch_dist"))
    let path = out.appending(name)
    if name.hasSuffix(".txt") {
      try Data([1]).write(to: URL(fileURLWithPath: path.string))
    } else {
      try FileManager.default.createDirectory(
        atPath: path.string, withIntermediateDirectories: false)
    }
    let result = try convert(source, out, "--container", "torch_dist", "--overwrite")
    expectRefusal(result, 73, [path.lastComponent?.string ?? ""])
    #expect(FileManager.default.fileExists(atPath: path.string))
    #expect(EditableCheckpoint.names(in: folder.path) == ["out"])
  }

  @Test func keysOfAContainerWithoutAny() throws {
    let out = folder.path.appending("out")
    for container in ["safetensors", "torch_dist"] {
      expectRefusal(
        try convert(source, out, "--container", container, "--key-prefix", "model/"), 64,
        [container])
    }
    expectRefusal(try convert(source, out, "--container", "dcp", "--key-prefix", "/"), 64, ["/"])
  }
}
