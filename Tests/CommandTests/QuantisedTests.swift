import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// FP8 checkpoints: their scales travel with them, are dequantised on request, and must be right.
@Suite struct QuantisedTests {
  static let fixtures = [
    "qwen3_5/fp8-short-blocks", "qwen3_5/fp8-multimodal", "qwen3_5_moe/fp8-apart",
    "qwen3_5_moe/fp8-fused", "qwen3_next/fp8-per-tensor", "qwen3_next/fp8-plain-qkvz",
  ].map { "huggingface/\($0)" }

  private func expectVerified(_ path: FilePath, _ checkpoint: EditableCheckpoint) throws {
    expectSuccess(
      try GraftCommand.run("verify", path.string, "--reference", checkpoint.reference))
  }

  @Test(arguments: fixtures)
  func conversionToTheSameLayoutKeepsEveryByte(_ name: String) throws {
    let checkpoint = try EditableCheckpoint(name)
    let out = checkpoint.beside("out")
    expectSuccess(try checkpoint.graft("convert", out.string))
    #expect(
      try EditableCheckpoint.tensors(of: out) == EditableCheckpoint.tensors(of: checkpoint.path))
    #expect(
      try Fixtures.contents(out.appending("config.json")) == checkpoint.bytes("config.json"))
  }

  @Test(arguments: fixtures)
  func dequantisedOnRequest(_ name: String) throws {
    let checkpoint = try EditableCheckpoint(name)
    let out = checkpoint.beside("out")
    let result = try checkpoint.graft("convert", out.string, "--dtype", "f32", "--json")
    expectSuccess(result)
    #expect(try result.json()["changed_values"]?.object?.isEmpty == true)
    let tensors = try EditableCheckpoint.tensors(of: out)
    #expect(tensors.values.allSatisfy { $0.type == "F32" || $0.type == "BF16" })
    #expect(!tensors.keys.contains { $0.hasSuffix("_scale_inv") })
    let config = try Fixtures.contents(out.appending("config.json"))
    #expect(!String(decoding: config, as: UTF8.self).contains("quantization_config"))
    try expectVerified(out, checkpoint)
  }

  /// Powers of two leave room in BF16 for every product, other scales do not.
  @Test(arguments: [
    ("huggingface/qwen3_5_moe/fp8-fused", true), ("huggingface/qwen3_5/fp8-multimodal", true),
    ("huggingface/qwen3_5_moe/fp8-apart", false), ("huggingface/qwen3_5/fp8-short-blocks", false),
  ])
  func bf16IsLossyUnlessEveryValueFits(_ name: String, fits: Bool) throws {
    let checkpoint = try EditableCheckpoint(name)
    let out = checkpoint.beside("out").string
    let result = try checkpoint.graft("convert", out, "--dtype", "bf16")
    guard !fits else {
      expectSuccess(result)
      return try expectVerified(checkpoint.beside("out"), checkpoint)
    }
    expectRefusal(result, 69, ["F8_E4M3 to BF16", "--allow lossy"])
    let allowed = try checkpoint.graft(
      "convert", out, "--dtype", "bf16", "--allow", "lossy", "--json")
    let changed = try allowed.json()["changed_values"]?.object
    let count = changed?["\(prefix(name))layers.0.linear_attn.out_proj.weight"]?.int ?? 0
    #expect(count > 0)
  }

  private func prefix(_ name: String) -> String {
    name.contains("multimodal") ? "model.language_model." : "model."
  }

  /// Experts are fused or come apart and rows are regrouped by whole blocks, and the config follows.
  /// Without a form asked for, quantised experts are written apart, as published files have them.
  @Test(arguments: [
    ("qwen3_next/fp8-plain-qkvz", "qwen3_5_moe", "", "experts.2.up_proj.weight", [3, 2]),
    (
      "qwen3_next/fp8-plain-qkvz", "qwen3_5_moe", "text, experts fused", "experts.gate_up_proj",
      [3, 6, 2]
    ),
    ("qwen3_5_moe/fp8-fused", "qwen3_next", "", "experts.2.up_proj.weight", [3, 4]),
  ])
  func pairsMoveByWholeBlocks(
    name: String, other: String, form: String, weight: String, scales: [Int]
  ) throws {
    let checkpoint = try EditableCheckpoint("huggingface/\(name)")
    let (there, back) = (checkpoint.beside("there"), checkpoint.beside("back"))
    let options = form.isEmpty ? [] : ["--form", form]
    expectSuccess(
      try GraftCommand.run(
        ["convert", checkpoint.path.string, there.string, "--to", other] + options))
    try expectVerified(there, checkpoint)
    let tensors = try EditableCheckpoint.tensors(of: there)
    #expect(tensors["model.layers.0.mlp.\(weight)"]?.type == "F8_E4M3")
    #expect(tensors["model.layers.0.mlp.\(weight)_scale_inv"]?.shape == scales)
    let home = String(name.prefix { $0 != "/" })
    let formBack = name.hasSuffix("fused") ? ["--form", "text, experts fused"] : []
    expectSuccess(
      try GraftCommand.run(["convert", there.string, back.string, "--to", home] + formBack))
    #expect(
      try EditableCheckpoint.tensors(of: back) == EditableCheckpoint.tensors(of: checkpoint.path))
    let lists = try [checkpoint.path, back].map { path in
      let config = try JSONValue(parsing: Fixtures.contents(path.appending("config.json")))
      let list = config["quantization_config"]?["modules_to_not_convert"]?.array ?? []
      return list.compactMap(\.string).sorted()
    }
    #expect(lists[0] == lists[1] && !lists[0].isEmpty)
  }

  @Test(arguments: [
    ("huggingface/qwen3_5/fp8-short-blocks", "mlx-qwen3_5", "no place for scales"),
    ("huggingface/qwen3_5_moe/fp8-apart", "mlx-qwen3_5_moe", "no place for scales"),
    ("huggingface/qwen3_5_moe/fp8-apart", "qwen3_next", "in_proj_qkvz.weight"),
  ])
  func otherMovesAskForDequantisation(_ name: String, _ layout: String, _ mention: String) throws {
    let checkpoint = try EditableCheckpoint(name)
    let out = checkpoint.beside("out").string
    let result = try checkpoint.graft("convert", out, "--to", layout)
    expectRefusal(result, 69, [mention, "--dtype f32"])
    expectSuccess(try checkpoint.graft("convert", out, "--to", layout, "--dtype", "f32"))
    try expectVerified(checkpoint.beside("out"), checkpoint)
  }

  @Test func aPartThatIsDequantisedIsListed() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/fp8-short-blocks")
    let out = checkpoint.beside("out")
    expectSuccess(
      try checkpoint.graft("convert", out.string, "--dtype-for", "*.o_proj.weight=f32"))
    let config = try JSONValue(parsing: Fixtures.contents(out.appending("config.json")))
    let list = config["quantization_config"]?["modules_to_not_convert"]?.array ?? []
    #expect(list.contains("model.layers.1.self_attn.o_proj"))
    try expectVerified(out, checkpoint)
  }

  /// Stores the projections of multi-token prediction, and none else, as FP8 with a scale per block.
  private func quantisePrediction(of checkpoint: EditableCheckpoint) throws {
    var plain: [JSONValue] = []
    try checkpoint.editWeights { file in
      var scales: [PlainCheckpointFile.Tensor] = []
      for (index, tensor) in file.tensors.enumerated() where tensor.name.hasSuffix(".weight") {
        guard tensor.name.hasPrefix("mtp.layers"), tensor.name.hasSuffix("proj.weight") else {
          plain.append(.string(String(tensor.name.dropLast(".weight".count))))
          continue
        }
        let codes = (0..<tensor.shape.reduce(1, *)).map { UInt8(0x30 + $0 % 8) }
        file.tensors[index] = .init(tensor.name, "F8_E4M3", tensor.shape, codes)
        let blocks = tensor.shape.map { ($0 + 127) / 128 }
        scales.append(
          .init(
            tensor.name + "_scale_inv", blocks,
            Array(repeating: 0.5, count: blocks.reduce(1, *))))
      }
      file.tensors += scales
    }
    try checkpoint.editConfig {
      $0["quantization_config"] = [
        "quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128],
        "modules_to_not_convert": .array(plain),
      ]
    }
  }

  /// Scales upset no count: multi-token prediction goes along as it does from BF16.
  @Test func predictionIsTranslatedFromFP8() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/multimodal-mixed")
    try quantisePrediction(of: checkpoint)
    let out = checkpoint.beside("out").string
    expectSuccess(
      try checkpoint.graft(
        "convert", out, "--to", "gguf-qwen35", "--dtype", "f32", "--allow", "vision"))
    let inspected = try GraftCommand.run("inspect", out, "--json").json()
    #expect(inspected["facts"]?["mtp.layers"]?.int == 1)
  }

  // MARK: Faults

  private let down = "model.layers.0.mlp.down_proj.weight"

  @Test func aMissingScaleIsFound() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/fp8-short-blocks")
    try checkpoint.editWeights { $0["\(down)_scale_inv"] = nil }
    try checkpoint.expectRefused(65, "\(down)_scale_inv", "missing")
  }

  @Test func aScaleWithoutWeightIsFound() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/fp8-short-blocks")
    try checkpoint.editWeights {
      $0["model.norm.weight_scale_inv"] = .init("model.norm.weight_scale_inv", [1], [1])
    }
    try checkpoint.expectRefused(65, "model.norm.weight_scale_inv")
  }

  @Test func aMissingScaleOfACarriedTensorIsFound() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/fp8-multimodal")
    let name = "mtp.layers.0.mlp.down_proj.weight_scale_inv"
    try checkpoint.editWeights { $0[name] = nil }
    try checkpoint.expectRefused(65, name, "[4, 4]")
  }

  @Test func anotherBlockSizeIsFound() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/fp8-short-blocks")
    try checkpoint.replace("128,\n      128", "64,\n      64")
    try checkpoint.expectRefused(65, "blocks of 64 × 64", "[3, 3]", "[2, 2]")
  }

  @Test func aTransposedGridIsFound() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5_moe/fp8-apart")
    let name = "model.layers.0.linear_attn.in_proj_z.weight_scale_inv"
    try checkpoint.editWeights { $0[name]?.shape.reverse() }
    try checkpoint.expectRefused(65, name, "[3, 2]", "[2, 3]")
  }

  /// The wrong scales in a grid of the right shape, and blocks of the size a reader would infer from
  /// the grid, only show in what the model computes.
  @Test func wrongScalesAreSeenByVerify() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/fp8-short-blocks")
    try checkpoint.editWeights {
      let scales = $0["\(down)_scale_inv"]?.floats ?? []
      $0["\(down)_scale_inv"]?.floats = [scales[0], scales[2], scales[1], scales[3]]
    }
    #expect(try checkpoint.graft("verify", "--reference", checkpoint.reference).exitCode == 1)
    let inferred = try EditableCheckpoint("huggingface/qwen3_5/fp8-short-blocks")
    try inferred.replace("128,\n      128", "96,\n      128")
    #expect(try inferred.graft("verify", "--reference", inferred.reference).exitCode == 1)
  }

  @Test func theConfigMustAgreeWithTheTensors() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/fp8-short-blocks")
    try checkpoint.replace("\"lm_head\"", "\"lm_head\", \"model.layers.0.mlp\"")
    try checkpoint.expectRefused(65, "is not quantised, but it is", "model.layers.0.mlp.gate_proj")
    let plain = try EditableCheckpoint("huggingface/qwen3_next/fp8-plain-qkvz")
    try plain.replace("\"model.layers.0.linear_attn.in_proj_qkvz\",\n", "")
    try plain.expectRefused(65, "is quantised, but it is not", "in_proj_qkvz.weight")
    let silent = try EditableCheckpoint("huggingface/qwen3_5/fp8-short-blocks")
    try silent.replace("\"quantization_config\"", "\"something_else\"")
    expectRefusal(
      try silent.graft("convert", silent.beside("out").string, "--allow", "extra"), 69,
      ["weight_scale_inv", "quantization_config"])
    let format = try EditableCheckpoint("huggingface/qwen3_5/fp8-short-blocks")
    try format.replace("\"e4m3\"", "\"e5m2\"")
    try format.expectRefused(65, "F8_E5M2")
  }

  @Test(arguments: [
    ("\"dynamic\"", "\"token\"", 69, "activation_scheme dynamic or static"),
    ("[\n      128,\n", "[\n      0,\n", 65, "out of range"),
    ("[\n      128,\n", "[\n      9223372036854775807,\n", 65, "out of range"),
    ("\"lm_head\"", "7", 65, ""),
  ])
  func whatIsNotReadIsRefused(old: String, new: String, code: Int32, mention: String) throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/fp8-short-blocks")
    try checkpoint.replace(old, new)
    try checkpoint.expectRefused(code, mention)
  }
}
