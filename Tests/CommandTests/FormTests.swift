import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Forms of one layout, and tensors that have no place.
@Suite struct FormTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func expectReference(_ out: FilePath, of fixture: String) throws {
    let reference = Fixtures.path(fixture).appending("reference.safetensors").string
    expectSuccess(try GraftCommand.run("verify", out.string, "--reference", reference))
  }

  @Test func expertsAreFusedAndTakenApart() throws {
    let fixture = "huggingface/qwen3_5_moe/text-f32"
    let fused = try folder.convert(Fixtures.path(fixture), "fused", "--form", "text, experts fused")
    let names = try EditableCheckpoint.tensors(of: fused).keys
    #expect(names.contains("model.layers.0.mlp.experts.gate_up_proj"))
    try expectReference(fused, of: fixture)
    let apart = try folder.convert(fused, "apart", "--form", "text, experts apart")
    #expect(
      try EditableCheckpoint.tensors(of: apart)
        == EditableCheckpoint.tensors(of: Fixtures.path(fixture)))
  }

  @Test func textBecomesMultimodalAndBack() throws {
    let fixture = "huggingface/qwen3_5/text-bf16"
    let wrapped = try folder.convert(Fixtures.path(fixture), "wrapped", "--form", "multimodal")
    let config = try JSONValue(parsing: Fixtures.contents(wrapped.appending("config.json")))
    #expect(config["model_type"] == "qwen3_5")
    #expect(config["architectures"]?.array == ["Qwen3_5ForConditionalGeneration"])
    #expect(config["text_config"]?["model_type"] == "qwen3_5_text")
    try expectReference(wrapped, of: fixture)
    let flat = try folder.convert(wrapped, "flat", "--form", "text")
    #expect(
      try EditableCheckpoint.tensors(of: flat)
        == EditableCheckpoint.tensors(of: Fixtures.path(fixture)))
  }

  @Test func aVisionTowerIsLeftOutOnlyByName() throws {
    let fixture = "huggingface/qwen3_5/multimodal-mixed"
    let arguments = ["convert", Fixtures.path(fixture).string, folder.path.appending("o").string]
    let refused = try GraftCommand.run(arguments + ["--form", "text"])
    expectRefusal(refused, 69, ["model.visual.", "--allow extra"])
    let text = try folder.convert(
      Fixtures.path(fixture), "text", "--form", "text", "--allow", "extra")
    #expect(try EditableCheckpoint.tensors(of: text).keys.allSatisfy { !$0.contains("visual") })
    try expectReference(text, of: fixture)
  }

  /// Tensors that the layout does not know make the input invalid, unless they may be left out.
  @Test func unknownTensorsAreLeftOutOnlyByName() throws {
    let checkpoint = try EditableCheckpoint("options/tied")
    try checkpoint.editWeights { $0.tensors.append(.init("adapter.weight", [1], [1])) }
    let out = checkpoint.beside("out").string
    let arguments = ["convert", checkpoint.path.string, out]
    expectRefusal(try GraftCommand.run(arguments), 65, ["adapter.weight"])
    expectRefusal(try GraftCommand.run(arguments + ["--allow", "lossy,all"]), 64, ["lossy,all"])
    let allowed = ["--allow", "lossy,extra", "--dtype", "f16", "--json"]
    let report = try GraftCommand.run(arguments + allowed).json()
    let dropped = report["dropped"]?.array?.first { $0["name"] == "adapter.weight" }
    #expect(dropped?["reason"] == "--allow extra")
  }

  @Test func aFormNobodyWritesIsRefused() throws {
    let source = Fixtures.path("huggingface/olmo_hybrid/bf16").string
    let result = try GraftCommand.run(
      "convert", source, folder.path.appending("o").string, "--form", "saved again")
    expectRefusal(result, 64, ["released", "saved again"])
  }
}
