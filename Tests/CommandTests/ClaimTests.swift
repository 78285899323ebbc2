import Foundation
import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// What a config claims beyond the model: refused where a reader would go wrong, told where it is
/// harmless.
@Suite struct ClaimTests {
  private static let key = "mtp_num_hidden_layers"
  private static let fixture = "huggingface/qwen3_5/fp8-multimodal"

  private func findings(_ checkpoint: EditableCheckpoint) throws -> [JSONValue] {
    let result = try checkpoint.graft("inspect", "--json")
    expectSuccess(result)
    return try result.json()["findings"]?.array ?? []
  }

  /// Saving a loaded model with transformers leaves out the tensors and keeps the key.
  @Test func claimedPredictionMayBeAbsent() throws {
    let checkpoint = try EditableCheckpoint(Self.fixture)
    try checkpoint.editWeights { file in file.tensors.removeAll { $0.name.hasPrefix("mtp.") } }
    let found = try findings(checkpoint)
    #expect(found.count == 1 && found.first?["remedy"]?.string?.contains("--mtp drop") == true)
    #expect(try checkpoint.graft("inspect").output.contains("findings"))
    let out = checkpoint.beside("out")
    let kept = try checkpoint.graft("convert", out.string, "--json")
    #expect(try kept.json()["findings"]?.array?.count == 1)
    let dropped = checkpoint.beside("dropped")
    expectSuccess(try checkpoint.graft("convert", dropped.string, "--mtp", "drop"))
    let inspected = try GraftCommand.run("inspect", dropped.string, "--json")
    #expect(try inspected.json()["findings"]?.array?.isEmpty == true)
  }

  @Test func predictionMayBeThereUnclaimed() throws {
    let checkpoint = try EditableCheckpoint(Self.fixture)
    try checkpoint.replace("\"\(Self.key)\": 1", "\"\(Self.key)\": 0")
    #expect(try findings(checkpoint).count == 1)
  }

  @Test(arguments: [2, 1 << 40])
  func anotherNumberOfPredictionLayersIsRefused(count: Int) throws {
    let checkpoint = try EditableCheckpoint(Self.fixture)
    try checkpoint.replace("\"\(Self.key)\": 1", "\"\(Self.key)\": \(count)")
    try checkpoint.expectRefused(65, "\(Self.key): \(count)", "layers 0")
  }

  @Test func aPredictionLayerOfAnotherNumberIsRefused() throws {
    let checkpoint = try EditableCheckpoint(Self.fixture)
    try checkpoint.editWeights { file in
      for index in file.tensors.indices {
        file.tensors[index].name.replace("mtp.layers.0.", with: "mtp.layers.1.")
      }
    }
    try checkpoint.expectRefused(65, "mtp.layers", "layers 1")
  }

  @Test func theTypeOfTheConfigIsOnlyTold() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/text-bf16")
    try checkpoint.replace("bfloat16", "float16")
    let found = try findings(checkpoint)
    #expect(found.first?["expected"]?.string?.contains("float16") == true)
  }

  /// No layout in between keeps a claim about tensors that were left out.
  @Test func whatWasDroppedIsNotClaimedLater() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5_moe/multimodal-fused-mixed")
    let (there, back) = (checkpoint.beside("there"), checkpoint.beside("back"))
    expectSuccess(
      try checkpoint.graft(
        "convert", there.string, "--to", "mlx-qwen3_5_moe", "--mtp", "drop", "--allow", "extra"))
    expectSuccess(
      try GraftCommand.run("convert", there.string, back.string, "--to", "qwen3_5_moe"))
    let inspected = try GraftCommand.run("inspect", back.string, "--json")
    #expect(try inspected.json()["findings"]?.array?.isEmpty == true, "\(inspected)")
  }

  /// The class that holds the text model inside finds no tensor by the names of the text model.
  @Test func textNamesBesideTheMultimodalClassAreFound() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/multimodal-mixed")
    try checkpoint.editWeights { file in
      file.tensors.removeAll { $0.name.contains("visual") }
      for index in file.tensors.indices {
        file.tensors[index].name.replace("model.language_model.", with: "model.")
      }
    }
    let found = try findings(checkpoint)
    #expect(found.contains { $0["found"] == "Qwen3_5ForConditionalGeneration" }, "\(found)")
    #expect(try checkpoint.graft("inspect", "--audit").exitCode == 1)
  }

  @Test func twoFlagsOfATiedHeadAreCompared() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/multimodal-mixed")
    try checkpoint.editConfig { $0["text_config"]?["tie_word_embeddings"] = true }
    let found = try findings(checkpoint)
    #expect(found.count == 1 && found[0]["expected"] == "tie_word_embeddings: false", "\(found)")
    try checkpoint.editWeights { $0["lm_head.weight"] = nil }
    try checkpoint.expectRefused(65, "lm_head.weight", "text_config/tie_word_embeddings: true")
  }

  /// What a config claims of GGUF files, whose config is their metadata.
  @Test func predictionOfMetadataIsCompared() throws {
    let source = try EditableCheckpoint("huggingface/qwen3_5/multimodal-mixed")
    let out = source.beside("out")
    expectSuccess(
      try source.graft(
        "convert", out.string, "--to", "gguf-qwen35", "--allow", "vision", "--mtp", "drop",
        "--dtype", "f32"))
    let dropped = try GraftCommand.run("inspect", out.string, "--audit")
    #expect(dropped.exitCode == 0, "\(dropped)")
    let file = out.appending("model.gguf")
    let key = Array("qwen35.nextn_predict_layers".utf8)
    var bytes = try Fixtures.contents(file)
    if let place = bytes.firstRange(of: key) {
      bytes[place.upperBound + 4] = 1
      try Data(bytes).write(to: URL(fileURLWithPath: file.string))
      let claimed = try GraftCommand.run("inspect", out.string, "--audit")
      #expect(claimed.exitCode != 0, "\(claimed)")
      #expect(!claimed.errors.contains("config.json"), "\(claimed)")
    }
  }

  @Test func permissionsCoverTheirKindAlone() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/multimodal-mixed")
    func convert(_ options: String...) throws -> CommandResult {
      let out = checkpoint.beside("out-\(options.joined())").string
      return try GraftCommand.run(
        ["convert", checkpoint.path.string, out, "--to", "mlx-qwen3_next"] + options)
    }
    expectRefusal(try convert("--allow", "extra"), 69, ["mtp.", "--mtp drop"])
    expectRefusal(try convert("--mtp", "drop"), 69, ["model.visual.", "--allow vision"])
    let allowed = try convert("--mtp", "drop", "--allow", "vision", "--json")
    expectSuccess(allowed)
    let kinds = try Set((allowed.json()["dropped"]?.array ?? []).compactMap { $0["kind"]?.string })
    #expect(kinds.isSuperset(of: ["vision", "prediction"]))
    try checkpoint.editWeights {
      $0["model.unheard.weight"] = .init("model.unheard.weight", [1], [1])
    }
    #expect(try convert("--mtp", "drop", "--allow", "vision", "-q").exitCode == 65)
    expectSuccess(try convert("--mtp", "drop", "--allow", "extra"))
  }

  @Test(arguments: Fixtures.checkpoints)
  func fixturesClaimNothingWrong(_ name: String) throws {
    let result = try GraftCommand.run("inspect", Fixtures.path(name).string, "--json")
    expectSuccess(result)
    #expect(try result.json()["findings"]?.array?.isEmpty == true, "\(result)")
  }
}
