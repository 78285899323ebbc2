import GraftTestSupport
import JSON
import Testing

/// Kimi Linear and Ling 3.0: from one form to another, and to llama.cpp and back.
@Suite struct KimiLayoutTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func model(_ fixture: String) -> String { Fixtures.path("huggingface/\(fixture)").string }

  /// What transformers saved again becomes the released form, in names and in what it computes.
  @Test(arguments: [
    ("kimi_linear", "model.layers.0.mlp.gate_proj.weight"),
    ("bailing_hybrid", "model.layers.0.attention.o_proj.weight"),
  ])
  func savedAgainBecomesReleased(_ layout: String, _ name: String) throws {
    let source = model("\(layout)/resave-f32")
    let out = folder.path.appending("out")
    expectSuccess(try GraftCommand.run("convert", source, out.string, "--form", "released"))
    #expect(try EditableCheckpoint.tensors(of: out).keys.contains(name))
    expectSuccess(
      try GraftCommand.run(
        "verify", out.string, "--reference", source + "/reference.safetensors"))
  }

  /// Layers behind the last whole group have latent attention, without a list that says so.
  @Test func theRestOfTheLayersIsLatentAttention() throws {
    let result = try GraftCommand.run("inspect", model("bailing_hybrid/bf16"), "--json")
    expectSuccess(result)
    let mixers = try result.json()["layers"]?.array?.map { $0["mixer"]?.string }
    #expect(mixers == ["kda", "mla", "kda", "mla", "mla"])
  }

  /// llama.cpp takes the eps of the model's norms where transformers has one of its own; allowed, tensors
  /// only move, and the way back gives the same ones.
  @Test func anotherEpsilonIsWrittenWhereItIsAllowed() throws {
    let source = model("bailing_hybrid/bf16")
    let (out, back) = (folder.path.appending("out").string, folder.path.appending("back").string)
    expectRefusal(
      try GraftCommand.run("convert", source, out, "--to", "gguf-bailingmoe3"), 69,
      ["mla.norm_eps", "kda.length_eps"])
    let there = try GraftCommand.run(
      "convert", source, out, "--to", "gguf-bailingmoe3", "--allow", "eps", "--json")
    expectSuccess(there)
    #expect(try there.json()["eps"]?["facts"]?.array?.count == 2)
    expectSuccess(
      try GraftCommand.run("convert", out, back, "--to", "bailing_hybrid", "--allow", "eps"))
    expectSuccess(
      try GraftCommand.run("verify", back, "--reference", source + "/reference.safetensors"))
  }
}
