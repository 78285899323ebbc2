import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Checkpoints under the names that other tools give to files and tensors.
@Suite struct HeldFormTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// A store of blobs holds other models beside the one that is named.
  @Test(arguments: ["sha256-83c54730a5fe", "model.Q8_0"])
  func aFileWithoutItsExtensionIsReadByItsFirstBytes(_ name: String) throws {
    let file = try folder.write(name, Fixtures.bytes("gguf/qwen35-q8_0.gguf"))
    try folder.write("sha256-0000", "another model".utf8)
    let out = folder.path.appending("out")
    expectSuccess(
      try GraftCommand.run(
        ["convert", file.string, out.string, "--to", "qwen3_5", "--dtype", "f32"]))
    let plain = try folder.convert(
      Fixtures.path("gguf/qwen35-q8_0.gguf"), "plain", "--to", "qwen3_5", "--dtype", "f32")
    try expectSameTensors(out, plain)
    #expect(!EditableCheckpoint.names(in: out).contains { $0.hasPrefix("sha256") })
  }

  @Test(arguments: ["_fp32_params.", "_orig_mod.", "_fsdp_wrapped_module."])
  func partsOfWrappersAreTakenOutOfNames(_ part: String) throws {
    let copy = try EditableCheckpoint("huggingface/qwen3_5/text-bf16")
    try copy.editWeights { file in
      for index in file.tensors.indices where file.tensors[index].name.hasSuffix("A_log") {
        file.tensors[index].name.replace("linear_attn.", with: "linear_attn." + part)
      }
    }
    let out = try copy.folder.convert(copy.path, "out")
    try expectSameTensors(out, Fixtures.path("huggingface/qwen3_5/text-bf16"))
    #expect(try copy.graft("inspect").output.contains("\(part) is taken out of names"))
  }

  @Test func twoNamesThatBecomeOneAreRefused() throws {
    let copy = try EditableCheckpoint("huggingface/qwen3_5/text-bf16")
    try copy.editWeights { file in
      let name = "model.layers.0.linear_attn.A_log"
      guard var twin = file[name] else { return }
      twin.name.replace("A_log", with: "_fp32_params.A_log")
      file.tensors.append(twin)
    }
    try copy.expectRefused(65, "_fp32_params.A_log")
  }

  @Test func anIndexMayNameFilesInItsOwnDirectory() throws {
    let copy = try EditableCheckpoint("options/f32-sharded")
    let index = "model.safetensors.index.json"
    let text = String(decoding: try copy.bytes(index), as: UTF8.self)
    try copy.write(index, text.replacing("\"model-0", with: "\"./model-0").utf8)
    expectSuccess(try copy.graft("inspect"))
  }

  @Test func aSetOfAnyNameNeedsNoIndex() throws {
    let copy = try EditableCheckpoint("options/f32-sharded")
    try copy.remove("model.safetensors.index.json")
    for number in 1...5 {
      let name = "model-0000\(number)-of-00005.safetensors"
      try copy.write("model.safetensors-0000\(number)-of-00005.safetensors", copy.bytes(name))
      try copy.remove(name)
    }
    expectSuccess(try copy.graft("inspect"))
  }

  /// A head that repeats the embedding says nothing that a layout without a place for it would lose.
  @Test func aTiedHeadThatIsStoredIsNoObstacle() throws {
    let copy = try EditableCheckpoint("huggingface/qwen3_5/text-bf16")
    try copy.editConfig { $0["tie_word_embeddings"] = true }
    try copy.editWeights { file in
      let embedding = file["model.embed_tokens.weight"]?.bytes ?? []
      file["lm_head.weight"]?.bytes = embedding
    }
    let out = copy.beside("out").string
    let result = try copy.graft("convert", out, "--to", "gguf-qwen35")
    expectSuccess(result)
    #expect(result.output.contains("copy of the embedding"), "\(result)")
    try copy.editWeights { $0["lm_head.weight"]?.bytes[0] ^= 1 }
    expectRefusal(
      try copy.graft("convert", copy.beside("other").string, "--to", "gguf-qwen35"), 65,
      ["tie_word_embeddings"])
  }

  @Test func aParameterThatTheOriginalNeverReads() throws {
    let copy = try EditableCheckpoint("fla/gdn-hybrid")
    try copy.editWeights { file in
      for tensor in file.tensors where tensor.name.hasSuffix("attn.A_log") {
        let name = tensor.name.replacing("A_log", with: "D")
        file.tensors.append(.init(name, tensor.type, tensor.shape, tensor.bytes))
      }
    }
    #expect(try copy.graft("inspect").output.contains("attn.D, which the original never reads"))
    expectSuccess(try copy.graft("verify", "--reference", copy.reference))
    try expectSameTensors(try copy.folder.convert(copy.path, "out"), copy.path)
    try copy.editWeights { file in
      file.tensors.append(.init("model.layers.0.attn.Dx", [1], [1]))
    }
    try copy.expectRefused(65, "attn.Dx")
  }
}
