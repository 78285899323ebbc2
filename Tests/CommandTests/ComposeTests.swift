import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Fine-tuned copies with what they lost put back.
@Suite struct ComposeTests {
  private static let original = Fixtures.path("huggingface/qwen3_5/multimodal-mixed")
  private static let trained = "model.layers.1.mlp.up_proj.weight"

  /// A text-only copy one tensor of which was trained.
  private func tuned(_ options: String...) throws -> EditableCheckpoint {
    let folder = try TemporaryDirectory()
    let out = folder.path.appending("text")
    expectSuccess(
      try GraftCommand.run(
        [
          "convert", Self.original.string, out.string, "--form", "text", "--allow", "vision",
          "--mtp", "drop",
        ]
          + options))
    let copy = try EditableCheckpoint(copying: out, into: folder)
    try copy.editWeights { file in
      let name = file.tensors.map(\.name).first { $0.hasSuffix(Self.trained.dropFirst(6)) } ?? ""
      file[name]?.bytes[1] ^= 0x80
    }
    return copy
  }

  private func expectComposed(_ output: FilePath, of copy: EditableCheckpoint) throws {
    let (found, before) = try (
      EditableCheckpoint.tensors(of: output), EditableCheckpoint.tensors(of: Self.original)
    )
    let own = try EditableCheckpoint.tensors(of: copy.path)
    #expect(found.keys.sorted() == before.keys.sorted())
    for (name, tensor) in found {
      let text = name.replacing("model.language_model.", with: "model.")
      #expect(tensor.bytes == (own[text] ?? before[name])?.bytes, "\(name)")
    }
    #expect(
      found["model.language_model." + Self.trained.dropFirst(6)]
        != before["model.language_model." + Self.trained.dropFirst(6)])
  }

  @Test func towerLayersAndNamesComeBackInEitherOrder() throws {
    let copy = try tuned()
    for paths in [[copy.path, Self.original], [Self.original, copy.path]] {
      let out = copy.beside("out-\(paths[0] == copy.path)")
      let result = try GraftCommand.run(["compose"] + paths.map(\.string) + [out.string])
      expectSuccess(result)
      #expect(result.output.contains("not trained along"))
      try expectComposed(out, of: copy)
      let configs = try [out, Self.original].map {
        try JSONValue(parsing: Fixtures.contents($0.appending("config.json")))
      }
      #expect(configs[0] == configs[1])
      expectSuccess(try GraftCommand.run("verify", out.string, copy.path.string))
      #expect(try GraftCommand.run("inspect", "--audit", out.string).exitCode == 0)
    }
  }

  @Test func theCopyMayHaveAnotherLayout() throws {
    let copy = try tuned()
    let other = try copy.folder.convert(copy.path, "mlx", "--to", "mlx-qwen3_5")
    let out = copy.beside("out")
    expectSuccess(try GraftCommand.run("compose", other.string, Self.original.string, out.string))
    try expectComposed(out, of: copy)
  }

  @Test func partsCanBeChosen() throws {
    let copy = try tuned()
    let out = copy.beside("out")
    expectSuccess(
      try GraftCommand.run(
        "compose", copy.path.string, Self.original.string, out.string, "--take", "mtp"))
    let names = try EditableCheckpoint.tensors(of: out).keys
    #expect(names.contains("mtp.fc.weight") && !names.contains { $0.contains("visual") })
    let tower = copy.beside("tower")
    expectSuccess(
      try GraftCommand.run(
        "compose", copy.path.string, Self.original.string, tower.string, "--take", "vision"))
    let config = try JSONValue(parsing: Fixtures.contents(tower.appending("config.json")))
    #expect(config["text_config"]?["mtp_num_hidden_layers"]?.int ?? 0 == 0)
    #expect(try EditableCheckpoint.tensors(of: tower).keys.allSatisfy { !$0.hasPrefix("mtp.") })
  }

  @Test func filesOfTheCopyComeFirst() throws {
    let copy = try tuned()
    let origin = try EditableCheckpoint(copying: Self.original)
    for (name, text) in [
      ("preprocessor_config.json", "{}"), ("tokenizer.json", "{\"a\": 1}"), ("vocab.json", "{}"),
      ("generation_config.json", "{\"eos_token_id\": 2}"),
    ] {
      try origin.write(name, text.utf8)
    }
    try copy.write("tokenizer.json", "{\"a\": 2}".utf8)
    try copy.editConfig { $0["eos_token_id"] = 9 }
    let out = copy.beside("out")
    expectSuccess(try GraftCommand.run("compose", copy.path.string, origin.path.string, out.string))
    let names = EditableCheckpoint.names(in: out)
    #expect(names.contains("preprocessor_config.json") && names.contains("generation_config.json"))
    #expect(!names.contains("vocab.json"))
    #expect(
      String(decoding: try Fixtures.contents(out.appending("tokenizer.json")), as: UTF8.self)
        == "{\"a\": 2}")
    let config = try JSONValue(parsing: Fixtures.contents(out.appending("config.json")))
    #expect(config["text_config"]?["eos_token_id"]?.int == 9)
  }

  /// A copy that kept its tower and lost the layers of multi-token prediction.
  @Test func aTowerOfItsOwnIsKeptWhereThatIsSaid() throws {
    let folder = try TemporaryDirectory()
    let out = try folder.convert(Self.original, "whole", "--mtp", "drop")
    let copy = try EditableCheckpoint(copying: out, into: folder)
    let name = "model.visual.merger.norm.weight"
    expectSuccess(
      try GraftCommand.run(
        "compose", copy.path.string, Self.original.string, copy.beside("same").string))
    try copy.editWeights { $0[name]?.bytes[1] ^= 0x80 }
    let refused = try GraftCommand.run(
      "compose", copy.path.string, Self.original.string, copy.beside("no").string)
    expectRefusal(refused, 69, ["two vision towers", name])
    let own = copy.beside("own")
    expectSuccess(
      try GraftCommand.run(
        "compose", copy.path.string, Self.original.string, own.string, "--take", "mtp"))
    let tensors = try EditableCheckpoint.tensors(of: own)
    #expect(tensors[name] == (try EditableCheckpoint.tensors(of: copy.path))[name])
    #expect(tensors["mtp.fc.weight"] != nil)
  }
}
