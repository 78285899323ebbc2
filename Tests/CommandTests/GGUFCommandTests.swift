import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Files of llama.cpp on the command line.
struct GGUFCommandTests {
  private static let names = ["qwen35-q8_0", "qwen35moe-bf16", "qwen3next-f16"]
  private let scratch: TemporaryDirectory

  init() throws { scratch = try TemporaryDirectory() }

  private func path(_ name: String) -> String { Fixtures.path("gguf/\(name)").string }

  private func verify(_ checkpoint: String, _ name: String) throws -> CommandResult {
    try GraftCommand.run(
      "verify", checkpoint, "--reference", path("\(name).reference.safetensors"), "--json")
  }

  @Test(arguments: names, ["", "baseline"])
  func agreesWithLlama(_ name: String, _ kernels: String) throws {
    let result = try GraftCommand.run(
      ["verify", path("\(name).gguf"), "--reference", path("\(name).reference.safetensors")],
      environment: kernels.isEmpty ? [:] : ["GRAFT_KERNELS": kernels])
    expectSuccess(result)
  }

  /// Value heads read as if they were grouped, norms as if 1 had not been added.
  @Test(arguments: ["value-heads=grouped", "trunk-norm-offset=0"])
  func aFaultIsSeen(_ assumption: String) throws {
    let result = try GraftCommand.run(
      "verify", path("qwen35-q8_0.gguf"), "--reference", path("qwen35-q8_0.reference.safetensors"),
      "--assume", assumption)
    #expect(result.exitCode == 1, "\(result)")
  }

  /// Keys and values have one length in these models; of two that differ neither is believed.
  @Test func lengthsThatContradictEachOtherAreRefused() throws {
    var bytes = Array(try Fixtures.bytes("gguf/qwen35-q8_0.gguf"))
    let key = try #require(bytes.firstRange(of: Array("qwen35.attention.key_length".utf8)))
    bytes[key.upperBound + 4] *= 2
    try scratch.write("altered.gguf", bytes)
    let result = try GraftCommand.run("inspect", scratch.path.appending("altered.gguf").string)
    expectRefusal(result, 65, ["two keys of the config contradict each other", "key_length: 64"])
  }

  /// The same model in Hugging Face's layout computes the same.
  @Test(arguments: zip(names, ["qwen3_5", "qwen3_5_moe", "qwen3_next"]))
  func convertedItAgreesToo(_ name: String, _ layout: String) throws {
    let there = scratch.path.appending("there").string
    expectSuccess(
      try GraftCommand.run(
        "convert", path("\(name).gguf"), there, "--to", layout, "--dtype", "f32"))
    expectSuccess(try verify(there, name))
    let back = scratch.path.appending("back").string
    expectSuccess(
      try GraftCommand.run(
        "convert", there, back, "--to", "gguf-" + name.prefix { $0 != "-" },
        "--max-shard-size", "100kB"))
    expectSuccess(try verify(back, name))
  }

  @Test func aRecordBringsTheConfigBack() throws {
    let source = Fixtures.path("huggingface/qwen3_5/text-bf16").string
    let there = scratch.path.appending("there").string
    let back = scratch.path.appending("back")
    expectSuccess(try GraftCommand.run("convert", source, there, "--to", "gguf-qwen35"))
    expectSuccess(try GraftCommand.run("convert", there, back.string, "--to", "qwen3_5"))
    let config = try JSONValue(parsing: Fixtures.bytes("huggingface/qwen3_5/text-bf16/config.json"))
    let inspected = try GraftCommand.run("inspect", back.string, "--json").json()
    #expect(inspected["layout"] == "qwen3_5")
    let kept = try GraftCommand.run("inspect", source, "--json").json()
    #expect(inspected["facts"] == kept["facts"] && config["model_type"] == "qwen3_5_text")
  }

  @Test func cuttingAFileIntoSeveralChangesNothing() throws {
    let whole = scratch.path.appending("whole").string
    let pieces = scratch.path.appending("pieces").string
    for (target, size) in [(whole, "5GB"), (pieces, "100kB")] {
      expectSuccess(
        try GraftCommand.run(
          "convert", path("qwen35-q8_0.gguf"), target, "--max-shard-size", size))
    }
    let names = EditableCheckpoint.names(in: scratch.path.appending("pieces"))
    #expect(names.filter { $0.hasSuffix(".gguf") }.count == 3)
    expectSuccess(try GraftCommand.run("diff", whole, pieces))
  }

  @Test func metadataLeftOutAreCountedAsKeys() throws {
    let target = scratch.path.appending("huggingface").string
    let result = try GraftCommand.run(
      "convert", path("qwen35moe-bf16.gguf"), target, "--to", "qwen3_5_moe")
    expectSuccess(result)
    #expect(result.output.contains("dropped (key without a place in qwen3_5_moe): 8 keys"))
  }

  @Test func anotherContainerIsRefused() throws {
    let result = try GraftCommand.run(
      "convert", path("qwen35-q8_0.gguf"), scratch.path.appending("no").string, "--to", "qwen3_5",
      "--container", "gguf")
    #expect(result.exitCode == 64 && result.errors.contains("is not written in this container"))
  }

  @Test func blocksThatAreNotReadAreNamed() throws {
    let result = try GraftCommand.run("inspect", path("blocks.gguf"))
    #expect(result.exitCode == 69 && result.errors.contains("has no delta-rule layers"))
  }
}
