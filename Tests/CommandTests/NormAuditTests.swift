import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Norms that were stored with another constant than the layout says, part by part and role by role.
@Suite struct NormAuditTests {
  private static let trunk = [
    "input_layernorm.weight", "post_attention_layernorm.weight", "q_norm.weight", "k_norm.weight",
    "language_model.norm.weight", "model.norm.weight",
  ]
  private static let multimodal = "huggingface/qwen3_5/multimodal-mixed"

  private func shifted(_ fixture: String, by offset: Float, where isShifted: (String) -> Bool)
    throws
    -> EditableCheckpoint
  {
    let checkpoint = try EditableCheckpoint(fixture)
    try checkpoint.editWeights { file in
      for index in file.tensors.indices where isShifted(file.tensors[index].name) {
        let norm = file.tensors[index]
        file.tensors[index] = .init(norm.name, norm.shape, norm.floats.map { $0 + offset })
      }
    }
    return checkpoint
  }

  private func expectNamed(_ checkpoint: EditableCheckpoint, _ words: String...) throws {
    let audited = try checkpoint.graft("inspect", "--audit")
    #expect(audited.exitCode == 1, "\(audited)")
    for word in words { #expect(audited.output.contains(word), "\(audited)") }
  }

  private static func isPrediction(_ name: String) -> Bool {
    name.hasPrefix("mtp.") && name.contains("norm")
  }

  @Test func normsOfPredictionAreAPartOfTheirOwn() throws {
    let checkpoint = try shifted(Self.multimodal, by: 1, where: Self.isPrediction)
    try expectNamed(checkpoint, "norms of multi-token prediction", "1 had been added")
    let out = checkpoint.beside("out")
    let refused = try checkpoint.graft("convert", out.string, "--to", "qwen3_5")
    expectRefusal(refused, 69, ["norms of multi-token prediction", "norm-offset=1"])
  }

  /// One word mends what is wrong, wherever it is, and leaves alone what is right.
  @Test(arguments: ["norm-offset=1", "mtp-norm-offset=1"], [false, true])
  func anAssumptionMendsWhereTheEvidenceIs(_ assumption: String, trunk: Bool) throws {
    let isTrunkMended = trunk && assumption == "norm-offset=1"
    let checkpoint = try shifted(Self.multimodal, by: 1) { name in
      Self.isPrediction(name)
        || (isTrunkMended && !name.hasPrefix("mtp.") && Self.trunk.contains(where: name.hasSuffix))
    }
    let out = checkpoint.beside("out")
    expectSuccess(try checkpoint.graft("convert", out.string, "--assume", assumption))
    let original = try EditableCheckpoint.tensors(of: Fixtures.path(Self.multimodal))
    for (name, tensor) in try EditableCheckpoint.tensors(of: out) {
      let expected = original[name]?.floats ?? []
      let error = zip(tensor.floats, expected).map { abs($0 - $1) }.max() ?? .infinity
      #expect(error <= 0.01, "\(name)")
    }
  }

  @Test func anAssumptionThatNoValueShowsIsRefused() throws {
    let checkpoint = try EditableCheckpoint(Self.multimodal)
    let out = checkpoint.beside("out").string
    expectRefusal(
      try checkpoint.graft("convert", out, "--assume", "norm-offset=1"), 69,
      ["norm-offset=1", "trunk-norm-offset=1"])
  }

  /// Norms of one role alone, among them those that the model does not store around zero.
  @Test(arguments: [
    ("q_norm.weight", Float(1), "attention.q_norm"), ("input_layernorm.weight", 1, "mixer_norm"),
    ("linear_attn.norm.weight", -1, "gdn.norm"), ("linear_attn.norm.weight", 1, "gdn.norm"),
  ])
  func normsOfOneRoleAreFound(_ suffix: String, _ offset: Float, _ role: String) throws {
    for fixture in ["trained/qwen3_5-python", "huggingface/qwen3_5/text-bf16"] {
      try expectNamed(shifted(fixture, by: offset) { $0.hasSuffix(suffix) }, role)
    }
  }

  private static let codes = (0..<192 * 48).map { (index: Int) in UInt8(index * 7 % 251) }

  private static func constant(_ value: Float) -> [Float] {
    [Float](repeating: value, count: 192 * 3)
  }

  /// Norms are plain in packed checkpoints, and those of MLX have one added.
  @Test(arguments: [Float(1), -1])
  func normsOfPackedCheckpointsAreFound(_ offset: Float) throws {
    let plain = try EditableCheckpoint("trained/qwen3_5-python")
    let packed = plain.beside("packed")
    expectSuccess(try plain.graft("convert", packed.string, "--to", "mlx-qwen3_5"))
    let checkpoint = try EditableCheckpoint(copying: packed)
    try checkpoint.remove("graft.json")
    try checkpoint.editConfig { value in
      guard case .object(var config) = value else { return }
      config["quantization"] = ["group_size": 32, "bits": 4]
      value = .object(config)
    }
    let name = "language_model.model.layers.0.mlp.gate_proj"
    try checkpoint.editWeights { file in
      file["\(name).weight"] = .init(
        "\(name).weight", "U32", [192, 12], Self.codes)
      file["\(name).scales"] = .init("\(name).scales", [192, 3], Self.constant(0.02))
      file["\(name).biases"] = .init("\(name).biases", [192, 3], Self.constant(-0.15))
    }
    let sound = try checkpoint.graft("inspect", "--audit")
    #expect(sound.exitCode == 0 && sound.output.contains("MLX affine"), "\(sound)")
    try checkpoint.editWeights { file in
      for index in file.tensors.indices
      where Self.trunk.contains(where: file.tensors[index].name.hasSuffix) {
        file.tensors[index].floats = file.tensors[index].floats.map { $0 + offset }
      }
    }
    try expectNamed(checkpoint, "norms", "\(Int(1 + offset)) had been added, not 1")
  }

  /// Norms before training are as they should be.
  @Test func normsAtTheirInitialValueAreNotTold() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen4_exp/released-f32")
    try checkpoint.editWeights { file in
      for (index, tensor) in file.tensors.enumerated()
      where tensor.name.contains("norm") && !tensor.name.contains("linear_attn") {
        file.tensors[index].floats = tensor.floats.map { _ in 0 }
      }
    }
    let audited = try checkpoint.graft("inspect", "--audit", "--json")
    let findings = try audited.json()["audit"]?["findings"]?.array ?? []
    #expect(!findings.contains { $0["tensor"]?.string?.contains("norm") == true }, "\(findings)")
  }
}
