import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// What `inspect` says of a model beyond its layers.
@Suite struct InspectSummaryTests {
  private func inspect(_ fixture: String) throws -> (text: String, json: JSONValue) {
    let path = Fixtures.path(fixture).string
    let text = try GraftCommand.run("inspect", path)
    expectSuccess(text)
    return (text.output, try GraftCommand.run("inspect", path, "--json").json())
  }

  /// Value heads in another order still stand side by side with queries and keys.
  @Test func tiledValuesStandSideBySide() throws {
    let form = try inspect("gguf/qwen35moe-bf16.gguf").json["form"]
    #expect(form?["projections"] == "q, k, v side by side")
    #expect(form?["attention"] == "q, gate interleaved by head")
    let next = try inspect("huggingface/qwen3_next/bf16").json["form"]
    #expect(next?["projections"] == "q, k, v, z interleaved by head")
  }

  @Test func positionsAndCompanions() throws {
    let (text, json) = try inspect("huggingface/qwen3_5/multimodal-mixed")
    #expect(text.contains("\n  rope        first ") && text.contains("\n  context     "))
    #expect(text.contains("\n  mtp         1 layer, ") && text.contains("\n  vision      "))
    #expect(json["facts"]?["mtp.layers"] == 1)
    for companion in ["mtp", "vision"] {
      #expect(json[companion]?["tensors"]?.int ?? 0 > 0)
      #expect(json[companion]?["parameters"]?.int ?? 0 > 0)
    }
    let all = try #require(json["parameters"]?.int)
    let active = try #require(json["active_parameters"]?.int)
    let carried = ["mtp", "vision"].compactMap { json[$0]?["parameters"]?.int }.reduce(0, +)
    #expect(active + carried == all)
  }

  /// Two of six experts of a layer.
  @Test func aTokenUsesSomeExperts() throws {
    let (text, json) = try inspect("huggingface/qwen3_next/bf16")
    let all = try #require(json["parameters"]?.int)
    let active = try #require(json["active_parameters"]?.int)
    let mtp = json["mtp"]?["parameters"]?.int ?? 0
    #expect(all - mtp - active == 5 * 4 * 3 * 24 * 64)
    #expect(text.contains("; a token uses "))
  }

  @Test func keysThatNobodyKnowsAreNamed() throws {
    #expect(try inspect("huggingface/qwen3_next/bf16").json["unknown_keys"] == [])
    let copy = try EditableCheckpoint("huggingface/qwen3_next/bf16")
    try copy.editConfig { $0["attention_sink"] = 4 }
    let result = try copy.graft("inspect")
    expectSuccess(result)
    #expect(result.output.contains("unknown     key attention_sink, which Graft does not know"))
  }

  @Test(arguments: Fixtures.checkpoints)
  func everyKeyOfTheFixturesIsKnown(_ name: String) throws {
    let json = try GraftCommand.run("inspect", Fixtures.path(name).string, "--json").json()
    #expect(json["unknown_keys"] == [])
  }

  /// A shared expert of no width, whose empty tensors transformers saves, adds nothing.
  @Test func aSharedExpertOfNoWidth() throws {
    let whole = try EditableCheckpoint("huggingface/qwen3_5_moe/text-f32")
    try whole.editWeights { file in
      for index in file.tensors.indices
      where file.tensors[index].name.hasSuffix("mlp.shared_expert.down_proj.weight") {
        file.tensors[index].bytes = Array(repeating: 0, count: file.tensors[index].bytes.count)
      }
    }
    let empty = try EditableCheckpoint("huggingface/qwen3_5_moe/text-f32")
    try empty.editConfig { $0["shared_expert_intermediate_size"] = 0 }
    try empty.editWeights { file in
      for index in file.tensors.indices where file.tensors[index].name.contains(".shared_expert.") {
        let isDown = file.tensors[index].name.hasSuffix("down_proj.weight")
        file.tensors[index].shape = isDown ? [64, 0] : [0, 64]
        file.tensors[index].bytes = []
      }
    }
    let out = empty.beside("out")
    expectSuccess(try empty.graft("convert", out.string))
    #expect(
      try EditableCheckpoint.tensors(of: out) == EditableCheckpoint.tensors(of: empty.path))
    let logits = empty.beside("whole.safetensors").string
    let tokens = try whole.folder.write("t.txt", "1 2 3 4 5 6 7 8 9 10".utf8).string
    expectSuccess(try whole.graft("logits", "--output", logits, "--tokens", tokens))
    expectSuccess(try GraftCommand.run("verify", out.string, "--reference", logits))
    let refused = try empty.graft("convert", empty.beside("g").string, "--to", "mlx-qwen3_5_moe")
    expectRefusal(refused, 69, ["mlx-lm needs the tensors of a shared expert"])
  }
}
