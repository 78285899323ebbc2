import Foundation
import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Other containers through the command line.
@Suite struct ContainerCommandTests {
  private static let containers = ["torch", "npz"]
  private static let models = [
    "lm-engine/m2rnn-1l-moe", "huggingface/qwen3_5/multimodal-mixed", "options/f16",
  ]

  @Test(arguments: containers, models)
  func thereAndBackIsByteIdentical(_ container: String, _ name: String) throws {
    let source = Fixtures.path(name)
    let folder = try TemporaryDirectory()
    let (there, back) = (folder.path.appending("there"), folder.path.appending("back"))
    expectSuccess(
      try convert(source, there, "--container", container, "--max-shard-size", "20KB"))
    let summary = try JSONValue(
      parsing: Array(GraftCommand.run("inspect", there.string, "--json").output.utf8))
    #expect(summary["container"]?.string == container)
    #expect((summary["shards"]?.array?.count ?? 0) > 2)
    #expect(EditableCheckpoint.names(in: there).contains { $0.hasSuffix(".index.json") })
    #expect(try EditableCheckpoint.tensors(of: there).isEmpty)
    expectSuccess(try convert(there, back, "--container", "safetensors"))
    try expectSameTensors(source, back)
    #expect(
      try Fixtures.contents(back.appending("config.json"))
        == Fixtures.contents(source.appending("config.json")))
    expectSuccess(try GraftCommand.run("verify", source.string, there.string, "--gate", "0"))
  }

  @Test(arguments: containers) func theContainerStaysUnlessToldOtherwise(_ container: String) throws
  {
    let folder = try TemporaryDirectory()
    let (there, again) = (folder.path.appending("there"), folder.path.appending("again"))
    expectSuccess(try convert(Fixtures.path("options/tied"), there, "--container", container))
    expectSuccess(try convert(there, again))
    let files = EditableCheckpoint.names(in: there)
    #expect(files == EditableCheckpoint.names(in: again))
    for file in files where file != "graft.json" {
      #expect(
        try Fixtures.contents(there.appending(file)) == Fixtures.contents(again.appending(file)))
    }
  }

  @Test func safetensorsWinAndTheOthersAreNamed() throws {
    let checkpoint = try EditableCheckpoint("options/tied")
    let bin = checkpoint.beside("bin")
    expectSuccess(try convert(checkpoint.path, bin, "--container", "torch"))
    try checkpoint.write("pytorch_model.bin", [0])
    let text = try checkpoint.graft("inspect").output
    #expect(text.contains("container   safetensors; not read: pytorch_model.bin"))
    let out = checkpoint.beside("out")
    let result = try convert(checkpoint.path, out)
    expectSuccess(result)
    #expect(result.output.contains("dropped (weights that are not read): pytorch_model.bin"))
    #expect(!EditableCheckpoint.names(in: out).contains("pytorch_model.bin"))
    try checkpoint.write("pytorch_model.bin", Fixtures.contents(bin.appending("pytorch_model.bin")))
    let byPath = try GraftCommand.run(
      "inspect", checkpoint.path.appending("pytorch_model.bin").string)
    #expect(byPath.output.contains("container   torch; not read: model.safetensors"))
  }

  @Test func aDamagedByteIsFoundBeforeAnythingIsWritten() throws {
    let folder = try TemporaryDirectory()
    let (there, out) = (folder.path.appending("there"), folder.path.appending("out"))
    expectSuccess(try convert(Fixtures.path("options/tied"), there, "--container", "torch"))
    let file = there.appending("pytorch_model.bin")
    var bytes = try Fixtures.contents(file)
    bytes[bytes.count / 2] ^= 4
    try Data(bytes).write(to: URL(fileURLWithPath: file.string))
    expectRefusal(try convert(there, out), 65, ["pytorch_model.bin", "is damaged", "CRC-32"])
    #expect(!EditableCheckpoint.names(in: folder.path).contains("out"))
  }

  @Test func aTrainingCheckpointGivesItsModelAndNamesTheRest() throws {
    let folder = try TemporaryDirectory()
    let path = Fixtures.path("containers/torch/training.pt")
    let copy = folder.path.appending("training.pt")
    try FileManager.default.copyItem(atPath: path.string, toPath: copy.string)
    try folder.write("config.json", "{\"model_type\": \"unknown\"}".utf8)
    // It holds no model Graft knows: what is refused is the layout, with the names of the state dict.
    expectRefusal(
      try GraftCommand.run("inspect", copy.string), 69, ["no delta-rule layers", "unknown"])
  }

  @Test(arguments: ["lm-engine", "lm-engine-async"])
  func aDistributedCheckpointBecomesTheModelItWasMadeOf(_ name: String) throws {
    let folder = try TemporaryDirectory()
    let source = Fixtures.path("containers/dcp/\(name)")
    let original = Fixtures.path("options/gdn-small")
    let out = folder.path.appending("out")
    let text = try GraftCommand.run("inspect", source.string).output
    #expect(text.contains("all names begin with model., which is taken off"))
    expectSuccess(try convert(source, out, "--container", "safetensors"))
    try expectSameTensors(original, out)
    expectSuccess(
      try GraftCommand.run(
        "verify", source.string, "--reference",
        original.appending("reference.safetensors").string))
    let spliced = folder.path.appending("spliced")
    expectSuccess(try GraftCommand.run("splice", source.string, spliced.string, "--layer", "0"))
    #expect(EditableCheckpoint.names(in: spliced).contains("pytorch_model.bin"))
  }
}
