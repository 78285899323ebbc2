import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// The file of classes that goes along with M²RNN layers in Hugging Face layouts.
@Suite struct ProgramFileTests {
  private static let name = "modeling_graft_m2rnn.py"
  private static let source = Fixtures.directory.removingLastComponent()
    .appending("formats/code").appending(name)

  private func graft(_ arguments: String...) throws {
    expectSuccess(try GraftCommand.run(arguments))
  }

  private func config(_ path: FilePath) throws -> JSONValue {
    try JSONValue(parsing: Fixtures.contents(path.appending("config.json")))
  }

  private func expectFile(in path: FilePath) throws {
    #expect(try Fixtures.contents(path.appending(Self.name)) == Fixtures.contents(Self.source))
  }

  @Test(arguments: [
    ("huggingface/qwen3_next/bf16", "M2RNNQwen3NextForCausalLM"),
    ("huggingface/qwen3_5/text-bf16", "M2RNNQwen3_5ForCausalLM"),
    ("huggingface/qwen3_5_moe/text-f32", "M2RNNQwen3_5MoeForCausalLM"),
    ("huggingface/olmo_hybrid/bf16", "M2RNNOlmoHybridForCausalLM"),
    ("huggingface/qwen3_5/multimodal-mixed", "M2RNNQwen3_5ForConditionalGeneration"),
  ])
  func aSplicedModelBringsItsClasses(fixture: String, name: String) throws {
    let folder = try TemporaryDirectory()
    let out = folder.path.appending("out")
    try graft("splice", Fixtures.path(fixture).string, out.string, "--layer", "1")
    try expectFile(in: out)
    let entry = try config(out)["auto_map"]?["AutoModelForCausalLM"]?.string
    #expect(entry == "modeling_graft_m2rnn.\(name)")
    let text = String(decoding: try Fixtures.contents(Self.source), as: UTF8.self)
    #expect(text.contains("class \(name)(WithM2RNN, ") || text.contains("class \(name)(TextOf"))
  }

  /// The file stays behind where a layout has no use for it, and comes back.
  @Test func theFileFollowsTheLayout() throws {
    let folder = try TemporaryDirectory()
    let (spliced, mlx) = (folder.path.appending("spliced"), folder.path.appending("mlx"))
    let (back, multimodal) = (folder.path.appending("back"), folder.path.appending("multimodal"))
    try graft(
      "splice", Fixtures.path("huggingface/qwen3_5/text-bf16").string, spliced.string, "--layer",
      "1")
    try graft("convert", spliced.string, mlx.string, "--to", "mlx-qwen3_5")
    #expect(!EditableCheckpoint.names(in: mlx).contains(Self.name))
    #expect(try config(mlx)["auto_map"] == nil && config(mlx)["text_config"]?["auto_map"] == nil)
    try graft("convert", mlx.string, back.string, "--to", "qwen3_5")
    try expectFile(in: back)
    #expect(try config(back)["auto_map"] == config(spliced)["auto_map"])
    try graft("convert", spliced.string, multimodal.string, "--form", "multimodal")
    #expect(
      try config(multimodal)["auto_map"]?["AutoModelForImageTextToText"]
        == "modeling_graft_m2rnn.M2RNNQwen3_5ForConditionalGeneration")
    #expect(try config(multimodal)["text_config"]?["auto_map"] == nil)
  }

  /// A model without M²RNN layers has no use for the file, nor does another program file lose its
  /// place.
  @Test func otherProgramFilesStay() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/text-bf16")
    try checkpoint.write(Self.name, "stale".utf8)
    try checkpoint.write("modeling_other.py", "other".utf8)
    try checkpoint.editConfig {
      $0["auto_map"] = [
        "AutoConfig": "modeling_other.Config", "AutoModelForCausalLM": "modeling_graft_m2rnn.Old",
      ]
    }
    let (plain, spliced) = (checkpoint.beside("plain"), checkpoint.beside("spliced"))
    try graft("convert", checkpoint.path.string, plain.string)
    #expect(!EditableCheckpoint.names(in: plain).contains(Self.name))
    #expect(EditableCheckpoint.names(in: plain).contains("modeling_other.py"))
    #expect(try config(plain)["auto_map"] == ["AutoConfig": "modeling_other.Config"])
    try graft("splice", checkpoint.path.string, spliced.string, "--layer", "0")
    try expectFile(in: spliced)
    #expect(try config(spliced)["auto_map"]?["AutoConfig"] == "modeling_other.Config")
  }

  /// Logits of transformers with the classes of the file.
  @Test func graftComputesWhatTheClassesCompute() throws {
    let folder = try TemporaryDirectory()
    let out = folder.path.appending("out")
    try graft(
      "splice", Fixtures.path("huggingface/qwen3_5/text-bf16").string, out.string, "--layer", "1",
      "--seed", "0")
    let reference = Fixtures.path("spliced/qwen3_5-text-layer1.safetensors")
    try graft("verify", out.string, "--reference", reference.string)
  }
}
