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

  /// mlx-lm has no place for tensors of width 0: they are named, and the model is the same without them.
  @Test func tensorsOfWidthZeroAreNamedWhereTheyAreLeftOut() throws {
    let source = try copy("kimi_linear/resave-f32")
    try source.editConfig { $0["num_shared_experts"] = 0 }
    let place = "model.layers.1.block_sparse_moe.shared_experts."
    try source.editWeights { file in
      file.tensors.removeAll { $0.name.contains("shared_experts") }
      for layer in 1...4 {
        let name = place.replacing("1", with: "\(layer)")
        file.tensors.append(.init(name + "gate_proj.weight", [0, 32], []))
        file.tensors.append(.init(name + "up_proj.weight", [0, 32], []))
        file.tensors.append(.init(name + "down_proj.weight", [32, 0], []))
      }
    }
    let (there, back) = (source.beside("there").string, source.beside("back").string)
    let options = ["--to", "mlx-kimi_linear", "--allow", "eps", "--json"]
    let report = try GraftCommand.run(["convert", source.path.string, there] + options)
    expectSuccess(report)
    let dropped = try report.json()["dropped"]?.array ?? []
    #expect(dropped.count { $0["reason"] == "tensor without elements" } == 12)
    #expect(dropped.contains { $0["name"]?.string == place + "gate_proj.weight" })
    expectSuccess(
      try GraftCommand.run("convert", there, back, "--to", "kimi_linear", "--allow", "eps"))
    expectSuccess(try GraftCommand.run("verify", source.path.string, back))
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

  /// llama.cpp stops where every group of experts is chosen: no groups mean the same, and that is written.
  @Test func everyGroupMeansNoGroups() throws {
    let source = try copy("bailing_hybrid/bf16")
    func convert(_ groups: Int, _ name: String, _ options: [String] = []) throws -> CommandResult {
      try source.editConfig {
        $0["n_group"] = JSONValue(groups)
        $0["topk_group"] = JSONValue(groups)
      }
      return try GraftCommand.run(
        ["convert", source.path.string, source.beside(name).string] + options)
    }
    let toGGUF = ["--to", "gguf-bailingmoe3", "--allow", "eps"]
    expectRefusal(
      try convert(2, "no", toGGUF), 69,
      ["llama.cpp stops where every group is chosen", "set n_group and topk_group to 1"])
    expectSuccess(try convert(2, "two"))
    expectSuccess(try convert(1, "one"))
    expectSuccess(
      try GraftCommand.run(
        "verify", source.beside("two").string, source.beside("one").string))
    expectSuccess(try convert(1, "yes", toGGUF))
  }

  /// llama.cpp's converter does not write groups of experts: the audit asks for them, and what the user says is
  /// believed, checked and written.
  @Test func factsThatAConverterLostAreAssumed() throws {
    let source = try copy("kimi_linear/resave-f32")
    try source.giveAttentionTheHeadsOfKimiDeltaAttention()
    // With this eps llama.cpp computes the same.
    try source.editConfig { $0["rms_norm_eps"] = 1e-6 }
    let (lost, back) = (source.beside("lost").string, source.beside("back"))
    expectSuccess(try source.graft("convert", lost, "--to", "gguf-kimi-linear"))
    try source.editConfig {
      $0["num_expert_group"] = 2
      $0["moe_renormalize"] = false
    }
    expectRefusal(
      try source.graft("convert", back.string, "--to", "gguf-kimi-linear"), 69,
      ["moe.groups", "moe.renormalise"])
    func audited(_ options: [String]) throws -> [JSONValue] {
      let result = try GraftCommand.run(["inspect", lost, "--audit", "--json"] + options)
      expectSuccess(result)
      return try result.json()["audit"]?["findings"]?.array?.filter { $0["kind"] == "lost" } ?? []
    }
    let asked = try audited([])
    #expect(asked.count == 1 && asked.first?["severity"] == "warning")
    for words in [
      "moe.groups (taken as 1)", "moe.renormalise (taken as true)", "--assume moe.groups=VALUE",
    ] {
      #expect(asked.first?["text"]?.string?.contains(words) == true)
    }
    let said = ["moe.groups=2", "moe.groups_per_token=1", "moe.renormalise=false"]
    let options = said.flatMap { ["--assume", $0] }
    #expect(try audited(options).isEmpty)
    #expect(try GraftCommand.run("verify", source.path.string, lost).exitCode == 1)
    expectSuccess(
      try GraftCommand.run(
        ["convert", lost, back.string, "--to", "kimi_linear"] + options))
    expectSuccess(try GraftCommand.run("verify", source.path.string, back.string))
    let config = try JSONValue(parsing: Fixtures.contents(back.appending("config.json")))
    #expect(config["num_expert_group"] == 2 && config["topk_group"] == 1)
    #expect(config["moe_renormalize"] == false)
    // What cannot be is refused like a config that says it.
    expectRefusal(
      try GraftCommand.run("inspect", lost, "--assume", "moe.groups=3"), 65,
      ["moe.groups must divide moe.experts"])
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
