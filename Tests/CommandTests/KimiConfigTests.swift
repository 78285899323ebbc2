import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// What tools drop, rename or fill in where they save configs of Kimi Linear and Ling 3.0 again.
@Suite struct KimiConfigTests {
  private func copy(_ fixture: String) throws -> EditableCheckpoint {
    try EditableCheckpoint("huggingface/" + fixture)
  }

  private func expectReference(_ source: EditableCheckpoint) throws {
    let reference = source.path.appending("reference.safetensors").string
    expectSuccess(try GraftCommand.run("verify", source.path.string, "--reference", reference))
  }

  /// transformers saves its own number of key/value heads where none is given, and its own number of dense layers
  /// beside the list that counts.
  @Test(arguments: ["kimi_linear", "bailing_hybrid"])
  func valuesOfTheConfigClassDecideNothing(_ family: String) throws {
    let source = try copy("\(family)/resave-f32")
    try source.editConfig {
      $0["num_key_value_heads"] = 32
      $0["first_k_dense_replace"] = 2
    }
    try expectReference(source)
  }

  /// What readers ask for is written for them.
  @Test func mlxIsToldTheHeads() throws {
    let source = try copy("kimi_linear/resave-f32")
    try source.editConfig { $0["num_key_value_heads"] = 32 }
    let out = source.beside("out")
    expectSuccess(
      try source.graft("convert", out.string, "--to", "mlx-kimi_linear", "--allow", "eps"))
    let config = try JSONValue(parsing: Fixtures.contents(out.appending("config.json")))
    #expect(config["num_key_value_heads"] == 4)
  }

  /// A shared expert of width 0 is saved as tensors without elements, which change nothing.
  @Test(arguments: [
    ("kimi_linear", "block_sparse_moe"), ("bailing_hybrid", "mlp"),
  ])
  func sharedExpertsOfWidthZeroTravel(_ family: String, _ place: String) throws {
    let source = try copy("\(family)/resave-f32")
    try source.editConfig { $0["num_shared_experts"] = 0 }
    func edit(_ shape: [Int]?) throws {
      try source.editWeights { file in
        file.tensors.removeAll { $0.name.contains("shared_experts") }
        guard let shape else { return }
        for layer in 1...4 {
          let name = "model.layers.\(layer).\(place).shared_experts."
          file.tensors.append(.init(name + "gate_proj.weight", shape, []))
          file.tensors.append(.init(name + "up_proj.weight", shape, []))
          file.tensors.append(.init(name + "down_proj.weight", shape.reversed(), []))
        }
      }
    }
    try edit(nil)
    let (bare, out) = (source.beside("bare").string, source.beside("out").string)
    expectSuccess(try source.graft("convert", bare))
    try edit([0, 32])
    expectSuccess(try GraftCommand.run("verify", source.path.string, bare))
    expectSuccess(try source.graft("convert", out))
    expectSuccess(try GraftCommand.run("verify", out, bare))
    let to = family == "kimi_linear" ? "gguf-kimi-linear" : "gguf-bailingmoe3"
    expectRefusal(
      try source.graft("convert", source.beside("no").string, "--to", to, "--allow", "eps"), 69,
      ["moe.shared_intermediate"])
  }

  /// Readers differ in what the width of shared experts in a config is: the tensors tell, where one of the readings is
  /// theirs.
  @Test func theTensorsTellTheWidthOfSharedExperts() throws {
    let source = try copy("bailing_hybrid/bf16")
    func say(_ count: Int, _ width: JSONValue) throws {
      try source.editConfig {
        $0["num_shared_experts"] = JSONValue(count)
        $0["moe_shared_expert_intermediate_size"] = width
      }
    }
    for (count, width) in [(3, 4), (2, 12)] {
      try say(count, JSONValue(width))
      try expectReference(source)
    }
    let out = source.beside("out").string
    expectSuccess(
      try source.graft("convert", out, "--to", "gguf-bailingmoe3", "--allow", "eps"))
    let back = source.beside("back")
    expectSuccess(
      try GraftCommand.run("convert", out, back.string, "--to", "bailing_hybrid", "--allow", "eps"))
    let config = try JSONValue(parsing: Fixtures.contents(back.appending("config.json")))
    #expect(config["num_shared_experts"] == 1)
    #expect(config["moe_shared_expert_intermediate_size"] == 12)
    for (count, width) in [(2, 5), (2, -6), (2, Int.max)] {
      try say(count, JSONValue(width))
      expectRefusal(
        try GraftCommand.run("inspect", source.path.string), 65, ["shared_experts"])
    }
  }

  /// Bounds of what experts multiply are not computed: none passes for another model.
  @Test(arguments: [
    ("bailing_hybrid", "expert_swiglu_limit_list"),
    ("bailing_hybrid", "share_expert_swiglu_limit_list"),
  ])
  func boundsOfExpertsAreRefused(_ family: String, _ key: String) throws {
    let source = try copy("\(family)/bf16")
    try source.editConfig { $0[key] = [.null, 0, 0, .null, 0] }
    try expectReference(source)
    try source.editConfig { $0[key] = [0, 0, 0, 0, 7] }
    expectRefusal(try GraftCommand.run("inspect", source.path.string), 69, [key, "7"])
  }

  /// What the files say is not for the user to say, and a number is one.
  @Test func factsOfTheFilesAreNotAssumed() throws {
    let source = try copy("kimi_linear/resave-f32")
    expectRefusal(
      try GraftCommand.run("inspect", source.path.string, "--assume", "moe.groups=many"), 64,
      ["a whole number"])
    expectRefusal(
      try GraftCommand.run("inspect", source.path.string, "--assume", "moe.groups=2"), 64,
      ["the files tell"])
  }
}
