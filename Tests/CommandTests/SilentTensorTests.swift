import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Tensors that say nothing of a model, since the original never reads them or they hold nothing.
@Suite struct SilentTensorTests {
  private static let cases: [(fixture: String, names: [String], other: String)] = [
    ("fla/gdn-hybrid", ["model.layers.0.attn.D", "model.layers.3.attn.D"], ""),
    (
      "huggingface/qwen3_next/bf16",
      ["model.layers.2.self_attn.rotary_emb.inv_freq", "model.rotary_emb.inv_freq"],
      "gguf-qwen3next"
    ),
    (
      "huggingface/qwen3_5/multimodal-mixed", ["model.language_model.rotary_emb.inv_freq"], ""
    ),
    ("huggingface/olmo_hybrid/bf16", ["model.rotary_emb.inv_freq"], "mlx-olmo_hybrid"),
  ]

  /// A copy with such tensors, whose values no program may look at.
  private func copy(_ fixture: String, _ names: [String]) throws -> EditableCheckpoint {
    let copy = try EditableCheckpoint(fixture)
    try copy.editWeights { file in
      file.tensors += names.map { .init($0, [2], [.nan, .infinity]) }
    }
    return copy
  }

  @Test(arguments: cases)
  func everyVerbPassesThemBy(fixture: String, names: [String], other: String) throws {
    let (copy, plain) = (try copy(fixture, names), Fixtures.path(fixture).string)
    #expect(try copy.graft("inspect").output.contains("which the original never reads"))
    let audit = try copy.graft("inspect", "--audit")
    #expect(audit.exitCode == 0 && !audit.output.contains("NaN"), "\(audit)")
    expectSuccess(try copy.graft("verify", "--reference", copy.reference))
    for sides in [[copy.path.string, plain], [plain, copy.path.string]] {
      expectSuccess(try GraftCommand.run(["verify"] + sides))
      expectSuccess(try GraftCommand.run(["diff"] + sides))
    }
    let out = try copy.folder.convert(copy.path, "out")
    #expect(try Set(names).isSubset(of: EditableCheckpoint.tensors(of: out).keys))
    guard !other.isEmpty else { return }
    let there = copy.beside("there").string
    let result = try copy.graft("convert", there, "--to", other)
    expectSuccess(result)
    #expect(result.output.contains("tensor that the original never reads"), "\(result)")
  }

  @Test func aReplacedLayerLosesThem() throws {
    let copy = try copy("fla/gdn-hybrid", ["model.layers.0.attn.D", "model.layers.1.attn.D"])
    let out = copy.beside("out")
    expectSuccess(try copy.graft("splice", out.string, "--layer", "0"))
    let names = try EditableCheckpoint.tensors(of: out).keys.filter { $0.hasSuffix("attn.D") }
    #expect(names == ["model.layers.1.attn.D"])
  }

  @Test func aSharedExpertOfNoWidthHoldsNothing() throws {
    let copy = try EditableCheckpoint("huggingface/qwen3_5_moe/text-f32")
    try copy.editConfig { $0["shared_expert_intermediate_size"] = 0 }
    try copy.editWeights { file in
      file.tensors.removeAll { $0.name.contains(".shared_expert.") }
    }
    let bare = try EditableCheckpoint(copying: copy.path)
    let hidden = try JSONValue(parsing: copy.bytes("config.json"))["hidden_size"]?.int ?? 0
    try copy.editWeights { file in
      file.tensors += [("gate", [0, hidden]), ("up", [0, hidden]), ("down", [hidden, 0])].map {
        .init("model.layers.0.mlp.shared_expert.\($0)_proj.weight", "F32", $1, [])
      }
    }
    for verb in ["verify", "diff"] {
      expectSuccess(try GraftCommand.run(verb, copy.path.string, bare.path.string))
    }
    expectSuccess(try copy.graft("inspect", "--audit"))
    let refused = try copy.graft("convert", copy.beside("out").string, "--to", "mlx-qwen3_5_moe")
    expectRefusal(refused, 69, ["a shared expert"])
    #expect(!refused.errors.contains("no place"), "\(refused)")
  }
}
