import GraftTestSupport
import JSON
import Testing

/// Weights that are packed in a way that is not read are recognised by name, described, and refused.
@Suite struct PackedWeightsTests {
  private static let gate = "model.layers.0.mlp.gate_proj"
  private typealias Tensor = PlainCheckpointFile.Tensor

  /// A checkpoint whose first gate projection is replaced by other tensors.
  private func checkpoint(_ tensors: [Tensor], config: JSONValue? = nil, key: String = "")
    throws -> EditableCheckpoint
  {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/text-bf16")
    try checkpoint.editWeights { file in
      if !tensors.isEmpty { file["\(Self.gate).weight"] = nil }
      for tensor in tensors { file[tensor.name] = tensor }
    }
    if let config {
      try checkpoint.editConfig { value in
        guard case .object(var object) = value else { return }
        object[key] = config
        value = .object(object)
      }
    }
    return checkpoint
  }

  private func expectNamed(_ checkpoint: EditableCheckpoint, _ method: String) throws {
    let inspected = try checkpoint.graft("inspect", "--json")
    expectSuccess(inspected)
    let quantisation = try inspected.json()["quantisation"]
    #expect(quantisation?["method"]?.string == method && quantisation?["readable"] == false)
    #expect(try inspected.json()["layers"]?.array?.count == 5)
    #expect(try checkpoint.graft("inspect").output.contains(method))
    let out = checkpoint.beside("out").string
    for result in [
      try checkpoint.graft("convert", out),
      try checkpoint.graft("convert", out, "--dtype", "f32", "--allow", "extra"),
      try checkpoint.graft("splice", out, "--layer", "0"),
      try checkpoint.graft("score", "--tokens", checkpoint.reference),
      try checkpoint.graft("verify", "--reference", checkpoint.reference),
    ] {
      expectRefusal(result, 69, [method, "does not read"])
    }
  }

  private static var codes: [Tensor] { [tensor("weight", "U8", 1, [16, 32])] }

  @Test(arguments: [
    "gptq", "awq", "bitsandbytes", "compressed-tensors", "mxfp4", "nvfp4", "unheard-of",
  ])
  func theConfigNamesTheMethod(_ method: String) throws {
    try expectNamed(
      checkpoint(
        Self.codes, config: ["quant_method": .string(method), "bits": 4],
        key: "quantization_config"),
      method)
  }

  @Test func quantisedMLXFiles() throws {
    try expectNamed(
      checkpoint(Self.codes, config: ["group_size": 64, "bits": 4], key: "quantization"),
      "MLX affine")
  }

  @Test func expertsInFP4() throws {
    try expectNamed(
      checkpoint(
        Self.codes, config: ["quant_method": "fp8", "expert_dtype": "fp4"],
        key: "quantization_config"),
      "fp8 with fp4 experts")
  }

  @Test(arguments: ["hf_quant_config.json", "quantize_config.json"])
  func aFileBesideTheConfigNamesTheMethod(_ name: String) throws {
    let checkpoint = try checkpoint(Self.codes)
    let text = """
      {"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "FP8"}}
      """
    try checkpoint.write(name, text.utf8)
    try expectNamed(checkpoint, "modelopt FP8")
  }

  private static var stored: [String: [Tensor]] {
    [
      "hqq": [tensor("W_q", "U8", 1, [16, 32]), tensor("meta", "F32", 4, [4])],
      "torchao": [tensor("_weight_qdata", "I8", 1, [16, 32])],
      "fp4 or int8": [
        tensor("weight", "I8", 1, [16, 32]), tensor("weight_scale_inv", "F32", 4, [16, 2]),
      ],
      "mxfp4": [
        tensor("weight_blocks", "U8", 1, [16, 2, 16]), tensor("weight_scales", "U8", 1, [16, 2]),
      ],
    ]
  }

  private static func tensor(_ name: String, _ type: String, _ width: Int, _ shape: [Int])
    -> Tensor
  {
    let bytes = [UInt8](repeating: 1, count: shape.reduce(width, *))
    return Tensor("\(gate).\(name)", type, shape, bytes)
  }

  @Test(arguments: stored.keys.sorted())
  func headersTellWhereTheConfigIsSilent(method: String) throws {
    try expectNamed(checkpoint(Self.stored[method] ?? []), method)
  }

  /// Weights of FP8 mean nothing without the scales, and no permission drops those.
  @Test(arguments: ["input_scale", "scale", "weight_scale_inv", ""])
  func scalesAreNeverLetGo(_ scale: String) throws {
    let scales = scale.isEmpty ? [] : [Self.tensor(scale, "F32", 4, [16, 1])]
    try expectNamed(
      checkpoint([Self.tensor("weight", "F8_E4M3", 1, [48, 64])] + scales),
      "FP8 that no config explains")
  }

  /// A scale beside a plain weight is none of the tensors that may be let go, either.
  @Test(arguments: [
    "weight_scale", "input_scale", "weight_zero_point", "weight_zp", "biases", "_amax",
  ])
  func partsBesidePlainWeightsAreRefused(_ name: String) throws {
    let checkpoint = try checkpoint([])
    let part = Self.tensor(name, "F32", 4, [1])
    try checkpoint.editWeights { $0[part.name] = part }
    let out = checkpoint.beside("out").string
    let refused = try checkpoint.graft("convert", out, "--allow", "extra,vision", "--mtp", "drop")
    #expect(
      [65, 69].contains(refused.exitCode) && refused.errors.contains(part.name), "\(refused)")
  }

  /// Scales of what goes in, and offsets, are no scales of the weight.
  @Test(
    arguments: ["F8_E4M3", "F8_E5M2", "I8", "U8", "I32"], [nil, "input_scale", "weight_zero_point"])
  func theAuditNamesWeightsWithoutScales(_ type: String, beside: String?) throws {
    let width = type == "I32" ? 4 : 1
    let parts = beside.map { [Self.tensor($0, "F32", 4, [1])] } ?? []
    let checkpoint = try checkpoint([Self.tensor("weight", type, width, [48, 64])] + parts)
    let audited = try checkpoint.graft("inspect", "--audit", "--json")
    #expect(audited.exitCode == 1)
    let findings = try audited.json()["audit"]?["findings"]?.array ?? []
    #expect(findings.map { $0["kind"] } == ["claim", "scale"])
    #expect(findings.last?["tensor"] == .string("\(Self.gate).weight"))
  }

  /// One of the codes of small numbers in E4M3.
  private static func code(_ index: Int) -> UInt8 {
    let magnitude = UInt8(0x20 + index * 7 % 23)
    return index % 2 == 0 ? magnitude : magnitude | 0x80
  }

  /// Libraries load as plain what no config announces.
  @Test(arguments: [true, false]) func theAuditMissesTheClaim(_ isClaimed: Bool) throws {
    let codes = [UInt8](repeating: 0, count: 96 * 64).indices.map(Self.code)
    let checkpoint = try checkpoint([
      Tensor("\(Self.gate).weight", "F8_E4M3", [96, 64], codes),
      Tensor("\(Self.gate).weight_scale", [96, 1], [Float](repeating: 0.25, count: 96)),
    ])
    if isClaimed {
      try checkpoint.write(
        "hf_quant_config.json", #"{"quantization": {"quant_algo": "FP8"}}"#.utf8)
    }
    #expect(try checkpoint.graft("inspect", "--audit").exitCode == (isClaimed ? 0 : 1))
  }

  private static let leftovers: [(key: String, value: JSONValue)] = [
    ("quantization", ["group_size": 64, "bits": 4]),
    ("quantization_config", ["quant_method": "bitsandbytes", "load_in_4bit": true]),
    ("quantization_config", ["quant_method": "fp8", "weight_block_size": [128, 128]]),
    ("compression_config", ["format": "pack-quantized"]),
  ]

  /// What dequantising tools leave in a config is no packed weight.
  @Test(arguments: leftovers.indices)
  func keysLeftOverAreReadAndDropped(_ index: Int) throws {
    let (key, value) = Self.leftovers[index]
    let checkpoint = try checkpoint([], config: value, key: key)
    let audited = try checkpoint.graft("inspect", "--audit")
    #expect(audited.exitCode == 1 && audited.output.contains(key), "\(audited)")
    let out = checkpoint.beside("out")
    let converted = try checkpoint.graft("convert", out.string, "--json")
    expectSuccess(converted)
    let dropped = try converted.json()["dropped"]?.array ?? []
    #expect(dropped.contains { $0["name"] == .string(key) })
    #expect(try JSONValue(parsing: Fixtures.contents(out.appending("config.json")))[key] == nil)
    #expect(
      try EditableCheckpoint.tensors(of: out) == EditableCheckpoint.tensors(of: checkpoint.path))
  }

  @Test func plainIntegersAreNoQuantisation() throws {
    let checkpoint = try checkpoint([])
    try checkpoint.editWeights { $0["model.steps"] = Tensor("model.steps", [1], ids: [7]) }
    try checkpoint.expectRefused(65, "model.steps", "no place")
  }
}
