import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// What no prompt need reach is compared all the same: carried tensors, unseen tokens and experts, long
/// windows.
@Suite struct VerifyUnreachedTests {
  private static let multimodal = "huggingface/qwen3_5/multimodal-mixed"

  private func report(
    _ checkpoint: EditableCheckpoint, _ other: FilePath, _ options: String..., passes: Bool = false
  ) throws -> JSONValue {
    let result = try GraftCommand.run(
      ["verify", checkpoint.path.string, other.string, "--json"] + options)
    #expect(result.exitCode == (passes ? 0 : 1) && result.errors.isEmpty, "\(result)")
    let report = try result.json()
    // Columns that lie in another order are added in that order, which rounds otherwise.
    #expect(report["pass"] == .bool(passes) && report["logits"]?["max_abs"]?.number ?? 1 < 1e-5)
    return report
  }

  private func names(_ report: JSONValue) -> [String] {
    (report["unreached"]?.array ?? []).compactMap { $0["name"]?.string }
  }

  @Test(arguments: [
    "mtp.fc.weight", "mtp.norm.weight", "mtp.layers.0.mlp.up_proj.weight",
    "model.visual.blocks.0.attn.qkv.weight", "model.visual.pos_embed.weight",
  ])
  func carriedTensors(_ name: String) throws {
    let checkpoint = try EditableCheckpoint(Self.multimodal)
    try checkpoint.editWeights { file in
      let bytes = try #require(file[name]?.bytes)
      file[name]?.bytes = Array(bytes[2...] + bytes[..<2])
    }
    let report = try report(checkpoint, Fixtures.path(Self.multimodal))
    #expect(names(report) == [name] && report["first_divergent_layer"] == .null)
    let text = try checkpoint.graft("verify", Fixtures.path(Self.multimodal).string)
    #expect(text.output.contains("no prompt reaches what differs: \(name)"), "\(text)")
  }

  @Test func carriedTensorsThatLackOrWereLeftOut() throws {
    let checkpoint = try EditableCheckpoint(Self.multimodal)
    try checkpoint.editWeights { $0["mtp.layers.0.mlp.up_proj.weight"] = nil }
    let report = try report(checkpoint, Fixtures.path(Self.multimodal))
    #expect(names(report) == ["mtp.layers.0.mlp.up_proj.weight"])
    let audit = try checkpoint.graft("inspect", "--audit")
    #expect(audit.exitCode == 1 && audit.output.contains("missing beside the other tensors"))
    let whole = try EditableCheckpoint(Self.multimodal)
    try whole.editWeights { file in file.tensors.removeAll { $0.name.hasPrefix("mtp.") } }
    #expect(try names(self.report(whole, Fixtures.path(Self.multimodal), passes: true)).isEmpty)
  }

  @Test func imagesThatTheConfigClaims() throws {
    let checkpoint = try EditableCheckpoint(Self.multimodal)
    try checkpoint.editWeights { file in
      file.tensors.removeAll { $0.name.hasPrefix("model.visual.") }
    }
    let result = try checkpoint.graft("inspect", "--audit")
    #expect(result.exitCode == 1 && result.output.contains("config claims"), "\(result)")
  }

  @Test func predictionIsComparedBetweenLayouts() throws {
    let checkpoint = try EditableCheckpoint(Self.multimodal)
    let there = checkpoint.beside("there")
    expectSuccess(
      try checkpoint.graft("convert", there.string, "--to", "gguf-qwen35", "--allow", "extra"))
    expectSuccess(try checkpoint.graft("verify", there.string))
    try checkpoint.editWeights { file in
      file["mtp.norm.weight"]?.bytes.swapAt(1, 3)
      file["mtp.norm.weight"]?.bytes.swapAt(0, 2)
    }
    let report = try report(checkpoint, there)
    #expect(names(report) == ["mtp.norm of multi-token prediction"])
  }

  @Test func tokensThatNoPromptHas() throws {
    let trained = "trained/qwen3_5-python"
    let checkpoint = try EditableCheckpoint(trained)
    try checkpoint.editWeights { $0["model.embed_tokens.weight"]?.floats[96 * 9 + 3] += 0.1 }
    let tokens = try checkpoint.folder.write("t.txt", "1 2 3".utf8).string
    let report = try report(checkpoint, Fixtures.path(trained), "--tokens", tokens)
    #expect(names(report) == ["embedding"] && report["first_divergent_layer"] == 0)
  }

  /// Of six experts one token uses two; every one is compared by value.
  @Test func expertsThatNoTokenUses() throws {
    let mixture = "huggingface/qwen3_5_moe/text-f32"
    for expert in 0..<6 {
      let checkpoint = try EditableCheckpoint(mixture)
      let tokens = try checkpoint.folder.write("t.txt", "1".utf8).string
      let name = "model.layers.2.mlp.experts.\(expert).down_proj.weight"
      try checkpoint.editWeights { $0[name]?.floats[5] += 0.1 }
      let result = try checkpoint.graft(
        "verify", Fixtures.path(mixture).string, "--tokens", tokens, "--json")
      let report = try result.json()
      #expect(result.exitCode == 1 && report["first_divergent_layer"] == 2, "\(result)")
      #expect(names(report) == ["expert.down of layer 2, expert \(expert)"])
    }
  }

  @Test func windowsLongerThanThePrompt() throws {
    let name = "fla/gdn-hybrid"
    let checkpoint = try EditableCheckpoint(name)
    try checkpoint.replace(#""window_size": null"#, #""window_size": 600"#)
    let report = try report(checkpoint, Fixtures.path(name))
    #expect(names(report) == ["attention.window of layer 2"])
    #expect(report["first_divergent_layer"] == 2)
  }

  @Test func positionsBeyondThePrompt() throws {
    let name = "options/learned-absolute"
    let checkpoint = try EditableCheckpoint(name)
    try checkpoint.editWeights { $0["transformer.wpe.weight"]?.floats[38 * 24 + 1] *= 1.001 }
    let tokens = try checkpoint.folder.write("t.txt", "1 2 3".utf8).string
    let report = try report(checkpoint, Fixtures.path(name), "--tokens", tokens)
    #expect(names(report) == ["positions"])
  }

  /// Rounding is no fault where the gate is for rounded weights.
  @Test func theGateDecides() throws {
    let trained = "trained/qwen3_5-python"
    let checkpoint = try EditableCheckpoint(trained)
    let out = checkpoint.beside("out")
    expectSuccess(
      try checkpoint.graft("convert", out.string, "--dtype", "bf16", "--allow", "lossy"))
    expectSuccess(try checkpoint.graft("verify", out.string, "--gate", "bf16"))
    #expect(try checkpoint.graft("verify", out.string).exitCode == 1)
  }
}
