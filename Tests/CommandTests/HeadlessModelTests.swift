import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Models without a language head: as a base class saves them, and with another head in its place.
@Suite struct HeadlessModelTests {
  /// A fixture, the beginning of names that its base model lacks, and its other layouts.
  struct Model: CustomTestStringConvertible, Sendable {
    let name: String
    let fixture: String
    let base: String
    let classifier: String
    let mlx: String
    let gguf: String
    var testDescription: String { name }
  }

  static let models = [
    Model(
      name: "qwen3_next", fixture: "huggingface/qwen3_next/bf16", base: "Qwen3NextModel",
      classifier: "Qwen3NextForSequenceClassification", mlx: "mlx-qwen3_next",
      gguf: "gguf-qwen3next"),
    Model(
      name: "qwen3_5", fixture: "huggingface/qwen3_5/multimodal-mixed", base: "Qwen3_5Model",
      classifier: "Qwen3_5ForSequenceClassification", mlx: "mlx-qwen3_5", gguf: "gguf-qwen35"),
  ]

  /// As `AutoModel` saves: names without `model.`, no head.
  private func baseModel(_ model: Model) throws -> EditableCheckpoint {
    let copy = try EditableCheckpoint(model.fixture)
    try copy.editConfig { $0["architectures"] = [.string(model.base)] }
    try copy.editWeights { file in
      file.tensors.removeAll { !$0.name.hasPrefix("model.") }
      for index in file.tensors.indices { file.tensors[index].name.removeFirst("model.".count) }
    }
    return copy
  }

  private func classifier(_ model: Model, _ head: String = "score.weight") throws
    -> EditableCheckpoint
  {
    let copy = try EditableCheckpoint(model.fixture)
    try copy.editConfig { $0["architectures"] = [.string(model.classifier)] }
    try copy.editWeights { file in
      file.tensors.removeAll { !$0.name.hasPrefix("model.") }
      file.tensors.append(.init(head, [1, 64], (0..<64).map { Float($0) }))
    }
    return copy
  }

  private func reference(_ model: Model) -> String {
    Fixtures.path("headless/\(model.name).safetensors").string
  }

  private func expectOriginal(_ path: FilePath, _ model: Model) throws {
    let result = try GraftCommand.run("verify", path.string, "--reference", reference(model))
    expectSuccess(result)
    #expect(result.output.contains("final hidden states are compared"), "\(result)")
  }

  @Test(arguments: models)
  func hiddenStatesAreThoseOfTheOriginal(_ model: Model) throws {
    for copy in [try baseModel(model), try classifier(model)] {
      try expectOriginal(copy.path, model)
      let summary = try copy.graft("inspect", "--json")
      let json = try JSONValue(parsing: Array(summary.output.utf8))
      #expect(json["head"] == "none" && json["layout"] == .string(model.name))
      // Whatever spoils the final norm shows, as it would in logits.
      let norm = try EditableCheckpoint.tensors(of: copy.path).keys.first {
        $0.hasSuffix("norm.weight") && !$0.contains("layers.") && !$0.contains("visual")
      }
      let name = try #require(norm)
      try copy.editWeights { $0[name]?.bytes[1] ^= 0x40 }
      #expect(try copy.graft("verify", "--reference", reference(model)).exitCode == 1)
    }
    // A model with its head can be held to hidden states, too.
    try expectOriginal(Fixtures.path(model.fixture), model)
  }

  @Test(arguments: models)
  func everyLayoutThatHoldsItGivesItBack(_ model: Model) throws {
    for copy in [try baseModel(model), try classifier(model)] {
      let mlx = try copy.folder.convert(
        copy.path, "mlx", "--to", model.mlx, "--mtp", "drop", "--dtype", "f32")
      try expectOriginal(mlx, model)
      let plan = try copy.graft(
        "convert", copy.beside("plan").string, "--to", model.mlx, "--dry-run")
      #expect(plan.output.contains("mlx-lm loads no model without a language head"), "\(plan)")
      expectSuccess(try GraftCommand.run("verify", mlx.string, copy.path.string))
      for options in [[], ["--no-manifest"]] {
        let back = copy.beside("back\(options.count)")
        expectSuccess(
          try GraftCommand.run(
            ["convert", mlx.string, back.string, "--to", model.name, "--dtype", "bf16"] + options
              + ["--allow", "lossy"]))
        try expectOriginal(back, model)
        let head = try EditableCheckpoint.tensors(of: back)["score.weight"]
        #expect(head == (try EditableCheckpoint.tensors(of: copy.path)["score.weight"]))
      }
      try expectSameTensors(
        try copy.folder.convert(copy.path, "shards", "--max-shard-size", "100kB"), copy.path)
      expectRefusal(
        try copy.graft("convert", copy.beside("out").string, "--to", model.gguf, "--mtp", "drop"),
        69, ["llama.cpp takes the embedding for the head", "head"])
    }
  }

  /// The embedding is the head of a base model that ties it, as llama.cpp reads it.
  @Test(arguments: models)
  func aTiedBaseModelHasItsHead(_ model: Model) throws {
    let copy = try baseModel(model)
    try copy.editConfig { $0["tie_word_embeddings"] = true }
    let gguf = try copy.folder.convert(
      copy.path, "out", "--to", model.gguf, "--mtp", "drop", "--allow", "extra")
    expectSuccess(try GraftCommand.run("verify", gguf.string, copy.path.string))
    try expectOriginal(copy.path, model)
  }

  @Test func aHeadThatWasLostIsNoBaseModel() throws {
    let copy = try EditableCheckpoint("huggingface/qwen3_next/bf16")
    try copy.editWeights { $0["lm_head.weight"] = nil }
    try copy.expectRefused(65, "lm_head.weight", "tie_word_embeddings")
    try copy.editConfig { $0["architectures"] = nil }
    try copy.expectRefused(65, "lm_head.weight")
    let from = try copy.graft("inspect", "--from", "qwen3_next")
    expectRefusal(from, 65, ["lm_head.weight"])
  }

  @Test(arguments: ["v_head.summary.weight", "classifier.weight", "reward_head.weight"])
  func otherHeadsAreCarried(_ name: String) throws {
    let copy = try classifier(Self.models[0], name)
    try expectOriginal(copy.path, Self.models[0])
    try expectSameTensors(try copy.folder.convert(copy.path, "out"), copy.path)
    let other = try EditableCheckpoint(copying: copy.path)
    try other.editWeights { $0[name]?.floats[3] += 1 }
    let result = try copy.graft("verify", other.path.string)
    #expect(result.exitCode == 1 && result.output.contains(name), "\(result)")
  }

  /// A trainer's estimate of values stands beside the language head.
  @Test func aValueHeadBesideTheLanguageHead() throws {
    let copy = try EditableCheckpoint("huggingface/qwen3_next/bf16")
    let head = (0..<64).map { Float($0) }
    try copy.editWeights { $0.tensors.append(.init("v_head.summary.weight", [1, 64], head)) }
    expectSuccess(try copy.graft("verify", "--reference", copy.reference))
  }

  @Test func whatIsMissingOrTwiceIsNamed() throws {
    let model = Self.models[0]
    let lacking = try baseModel(model)
    try lacking.editWeights { $0["norm.weight"] = nil }
    #expect(try lacking.graft("inspect").exitCode != 0)
    let layer = try baseModel(model)
    try layer.editWeights { $0["layers.0.input_layernorm.weight"] = nil }
    try layer.expectRefused(65, "layers.0.input_layernorm.weight", "missing")
    let twice = try EditableCheckpoint(model.fixture)
    try twice.editWeights { file in
      file.tensors += file.tensors.filter { $0.name.hasPrefix("model.") }.map { tensor in
        var copy = tensor
        copy.name.removeFirst("model.".count)
        return copy
      }
    }
    try twice.expectRefused(65, "embed_tokens.weight")
    let misshapen = try classifier(model)
    try misshapen.editWeights { $0["model.norm.weight"]?.shape = [2, 32] }
    try misshapen.expectRefused(65, "model.norm.weight", "[2, 32]")
  }

  @Test func whatNeedsLogitsIsRefused() throws {
    let copy = try classifier(Self.models[0])
    let tokens = try copy.folder.write("t.json", "[1, 2, 3]".utf8).string
    for arguments in [
      ["score", copy.path.string, "--tokens", tokens],
      ["generate", copy.path.string, "--tokens", tokens],
      ["splice", copy.path.string, copy.beside("out").string, "--layer", "0"],
    ] {
      expectRefusal(try GraftCommand.run(arguments), 69, ["no language head", "score.weight"])
    }
    let recorded = copy.beside("r.safetensors").string
    expectSuccess(
      try copy.graft("logits", "--tokens", tokens, "--hidden", "--output", recorded))
    expectSuccess(try copy.graft("verify", "--reference", recorded))
  }
}
