import GraftTestSupport
import JSON
import Testing

/// Every fixture computes what the original implementation recorded, in one piece and token by token.
@Suite struct VerifyFixtureTests {
  @Test(arguments: Fixtures.checkpoints)
  func agreesWithItsReference(_ name: String) throws {
    let path = Fixtures.path(name)
    let result = try GraftCommand.run(
      "verify", path.string, "--reference", path.appending("reference.safetensors").string,
      "--json")
    expectSuccess(result)
    let report = try result.json()
    #expect(report["pass"] == true && report["first_divergent_layer"] == .null)
    let config = try JSONValue(parsing: Fixtures.bytes("\(name)/config.json"))
    let recordsLayers =
      !name.hasPrefix("trained/") && (!name.hasPrefix("fla/") || name == "fla/gdn-hybrid")
      && name != "huggingface/qwen4_exp/resave-bf16"
    let layers = try #require(report["layers"]?.array)
    let text = config["text_config"] ?? config
    let count = config["num_layers"]?.int ?? text["num_hidden_layers"]?.int
    #expect(layers.count == (recordsLayers ? count : 0))
    #expect(report["stepped"]?["positions"] == report["positions"])
  }

  @Test(arguments: Fixtures.checkpoints, ["baseline", "x86-64-v3"])
  func agreesOnOlderProcessors(_ name: String, _ kernels: String) throws {
    let path = Fixtures.path(name)
    let result = try GraftCommand.run(
      ["verify", path.string, "--reference", path.appending("reference.safetensors").string],
      environment: ["GRAFT_KERNELS": kernels])
    expectSuccess(result)
  }

  @Test func theFixturesAreThere() {
    #expect(Fixtures.checkpoints.filter { $0.hasPrefix("options/") }.count >= 63)
    #expect(Fixtures.checkpoints.filter { $0.hasPrefix("lm-engine/") }.count == 4)
    #expect(Fixtures.checkpoints.filter { $0.hasPrefix("trained/") }.count == 3)
    #expect(Fixtures.checkpoints.filter { $0.hasPrefix("huggingface/") }.count == 22)
    #expect(Fixtures.checkpoints.filter { $0.hasPrefix("fla/") }.count == 5)
  }

  @Test func theReportHasTheFieldsOfTheContract() throws {
    let path = Fixtures.path("lm-engine/m2rnn-1l")
    let result = try GraftCommand.run(
      "verify", path.string, "--reference", path.appending("reference.safetensors").string,
      "--json")
    let report = try result.json()
    #expect(report["schema"] == "graft.verify/1")
    #expect(report["gate"] == "f32")
    #expect(report["positions"] == 74)
    for key in ["max_abs", "nmse", "mean_kl", "max_kl", "top1_agreement"] {
      #expect(report["logits"]?[key]?.number != nil, "\(key)")
    }
    let layers = try #require(report["layers"]?.array)
    #expect(layers.map { $0["index"]?.int } == [0, 1, 2, 3])
    #expect(layers.map { $0["mixer"] } == ["m2rnn", "gdn", "attention", "gdn"])
    for layer in layers {
      #expect(layer["max_abs"]?.number != nil && layer["nmse"]?.number != nil)
    }
  }

  @Test func aModelAgreesWithItselfOnTheBuiltInPrompt() throws {
    let path = Fixtures.path("options/gdn-small").string
    let result = try GraftCommand.run("verify", path, path, "--json")
    expectSuccess(result)
    let report = try result.json()
    #expect((report["positions"]?.int ?? 0) >= 512)
    #expect(report["logits"]?["max_abs"]?.number == 0)
  }

  @Test func theBuiltInPromptFitsLearnedPositions() throws {
    let path = Fixtures.path("options/learned-absolute").string
    let result = try GraftCommand.run("verify", path, path, "--json")
    expectSuccess(result)
    #expect(try result.json()["positions"] == 40)
  }

  @Test func quietVerifySaysNothing() throws {
    let path = Fixtures.path("options/gdn-small")
    let reference = path.appending("reference.safetensors").string
    let result = try GraftCommand.run("verify", path.string, "--reference", reference, "-q")
    expectSuccess(result)
    #expect(result.output.isEmpty)
  }

  @Test func anExactGateIsBitten() throws {
    let path = Fixtures.path("options/gdn-small")
    let reference = path.appending("reference.safetensors").string
    for (gate, code) in [("0", 1), ("1e-3", 0), ("bf16", 0)] as [(String, Int32)] {
      let result = try GraftCommand.run(
        "verify", path.string, "--reference", reference, "--gate", gate)
      #expect(result.exitCode == code, "\(result)")
    }
    for gate in ["-1", "nan", "inf", "f64"] {
      let result = try GraftCommand.run(
        "verify", path.string, "--reference", reference, "--gate=\(gate)")
      expectRefusal(result, 64, ["f32, bf16"])
    }
  }

  @Test func usageOfVerify() throws {
    let path = Fixtures.path("options/gdn-small")
    let reference = path.appending("reference.safetensors").string
    for arguments in [
      ["verify", path.string], ["verify"],
      ["verify", path.string, path.string, "--reference", reference],
      ["verify", path.string, "--reference", reference, "--tokens", reference],
      ["verify", path.string, path.string, "--nonsense"], ["no-such-verb"],
    ] {
      expectRefusal(try GraftCommand.run(arguments), 64)
    }
  }
}
