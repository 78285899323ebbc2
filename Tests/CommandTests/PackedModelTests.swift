import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Checkpoints whose weights are packed are worked with as if they were plain.
@Suite struct PackedModelTests {
  private typealias Form = PackedTwin.Form

  private static func source(of form: PackedTwin.Form) throws -> (EditableCheckpoint, FilePath) {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/text-bf16")
    guard form == .mlx else { return (checkpoint, checkpoint.path) }
    let path = checkpoint.beside("mlx")
    expectSuccess(try checkpoint.graft("convert", path.string, "--to", "mlx-qwen3_5"))
    return (checkpoint, path)
  }

  private static func twin(_ form: PackedTwin.Form) throws -> PackedTwin {
    let (checkpoint, path) = try source(of: form)
    return try withExtendedLifetime(checkpoint) {
      let twin = try PackedTwin(path, as: form)
      for copy in [twin.packed, twin.plain] { try? copy.remove("graft.json") }
      return twin
    }
  }

  @Test(arguments: Form.allCases) func packedWeightsComputeAsPlainOnes(_ form: PackedTwin.Form)
    throws
  {
    let twin = try Self.twin(form)
    let plain = twin.plain.path.string
    expectSuccess(try twin.packed.graft("verify", plain))
    let quantisation = try twin.packed.graft("inspect", "--json").json()["quantisation"]
    #expect(quantisation?["readable"] == true)
    #expect(quantisation?["tensors"]?.int == twin.weights.count)
    #expect(quantisation?["activation_scales"]?.int == (form == .mlx ? 0 : twin.weights.count))
    let diff = try twin.packed.graft("diff", plain, "--json").json()
    #expect(diff["tensors"]?.array?.isEmpty == true, "\(diff)")
  }

  @Test(arguments: Form.allCases) func aTypeDequantises(_ form: PackedTwin.Form) throws {
    let twin = try Self.twin(form)
    let (out, expected) = (twin.packed.beside("out"), twin.plain.beside("out"))
    expectSuccess(try twin.packed.graft("convert", out.string, "--dtype", "f32"))
    expectSuccess(try twin.plain.graft("convert", expected.string, "--dtype", "f32"))
    try expectSameTensors(out, expected)
    let configs = try [out, expected].map { path in
      try JSONValue(parsing: Fixtures.contents(path.appending("config.json")))
    }
    #expect(configs[0] == configs[1])
    #expect(!EditableCheckpoint.names(in: out).contains("hf_quant_config.json"))
  }

  /// Without a type every part stays, in other files as well.
  @Test(arguments: Form.allCases) func partsStayAsTheyAre(_ form: PackedTwin.Form) throws {
    let twin = try Self.twin(form)
    let out = twin.packed.beside("out")
    expectSuccess(try twin.packed.graft("convert", out.string, "--max-shard-size", "100KB"))
    try expectSameTensors(out, twin.packed.path)
    for name in ["config.json"] + (form == .modelOpt ? ["hf_quant_config.json"] : []) {
      #expect(try Fixtures.contents(out.appending(name)) == twin.packed.bytes(name))
    }
    expectSuccess(try GraftCommand.run("verify", out.string, twin.plain.path.string))
  }

  @Test(arguments: [(Form.mlx, "qwen3_5"), (.modelOpt, "mlx-qwen3_5")])
  func otherLayoutsAskForAType(_ form: PackedTwin.Form, layout: String) throws {
    let twin = try Self.twin(form)
    let out = twin.packed.beside("out").string
    expectRefusal(
      try twin.packed.graft("convert", out, "--to", layout), 69, ["packed", "--dtype f32"])
    expectSuccess(try twin.packed.graft("convert", out, "--to", layout, "--dtype", "f32"))
    expectSuccess(try GraftCommand.run("verify", out, twin.plain.path.string))
  }

  /// One weight that is dequantised is listed where the library looks for those that are plain.
  @Test(arguments: Form.allCases) func aWeightThatIsDequantisedIsListed(_ form: PackedTwin.Form)
    throws
  {
    let twin = try Self.twin(form)
    let out = twin.packed.beside("out")
    expectSuccess(
      try twin.packed.graft("convert", out.string, "--dtype-for", "*.0.mlp.up_proj.weight=f32"))
    let name = form == .modelOpt ? "hf_quant_config.json" : "config.json"
    let text = String(decoding: try Fixtures.contents(out.appending(name)), as: UTF8.self)
    #expect(text.contains("layers.0.mlp.up_proj"), "\(text)")
    #expect(try EditableCheckpoint.tensors(of: out).keys.contains { $0.contains("down_proj.") })
    expectSuccess(try GraftCommand.run("verify", out.string, twin.plain.path.string))
  }

  @Test(arguments: Form.allCases) func aSpliceLeavesTheRestPacked(_ form: PackedTwin.Form) throws {
    let twin = try Self.twin(form)
    let out = twin.packed.beside("out")
    expectSuccess(try twin.packed.graft("splice", out.string, "--layer", "0"))
    let (before, after) = (
      try EditableCheckpoint.tensors(of: twin.packed.path), try EditableCheckpoint.tensors(of: out)
    )
    for (name, tensor) in before where !name.contains("layers.0.linear_attn") {
      #expect(after[name] == tensor, "\(name)")
    }
    #expect(!after.keys.contains { $0.contains("layers.0.linear_attn.in_proj_qkv") })
    let name = form == .modelOpt ? "hf_quant_config.json" : "config.json"
    let text = String(decoding: try Fixtures.contents(out.appending(name)), as: UTF8.self)
    #expect(text.contains("layers.0.linear_attn.m2rnn.input_projection"), "\(text)")
  }

  // MARK: Faults

  private static let scales: [(form: PackedTwin.Form, part: String)] = [
    (.mlx, "scales"), (.compressedTensors, "weight_scale"), (.modelOpt, "weight_scale"),
  ]

  @Test(arguments: scales.indices, [Float.nan, .infinity, 0])
  func theAuditSeesScalesThatAreNone(_ index: Int, scale: Float) throws {
    let (form, part) = Self.scales[index]
    let twin = try Self.twin(form)
    expectSuccess(try twin.packed.graft("inspect", "--audit"))
    let name = twin.weights[0].replacing(".weight", with: ".\(part)")
    try twin.packed.editWeights { file in
      var values = file[name]?.floats ?? []
      values[values.count / 2] = scale
      file[name]?.floats = values
    }
    let audited = try twin.packed.graft("inspect", "--audit", "--json")
    #expect(audited.exitCode == 1)
    let findings = try audited.json()["audit"]?["findings"]?.array ?? []
    #expect(findings.contains { $0["kind"] == "scale" && $0["tensor"] == .string(name) })
  }

  /// What parts that are missing, doubled or of another shape are called.
  private static let faults:
    [(form: PackedTwin.Form, part: String, spoil: Spoil, mention: String)] =
      [
        (.mlx, "biases", .remove, "biases"), (.mlx, "scales", .remove, "scales"),
        (.mlx, "weight", .remove, "weight"), (.mlx, "scales", .cut, "scales"),
        (.mlx, "qzeros", .add, "qzeros"), (.compressedTensors, "weight_scale", .remove, "scale"),
        (.compressedTensors, "weight_scale", .cut, "weight_scale"),
        (.compressedTensors, "weight_zero_point", .add, "weight_zero_point"),
        (.modelOpt, "weight", .remove, "weight"), (.modelOpt, "pre_quant_scale", .add, "pre_quant"),
      ]

  enum Spoil: Sendable { case remove, cut, add }

  @Test(arguments: faults.indices) func partsThatDoNotFitAreNamed(_ index: Int) throws {
    let (form, part, spoil, mention) = Self.faults[index]
    let twin = try Self.twin(form)
    let name = twin.weights[0].replacing(".weight", with: ".\(part)")
    try twin.packed.editWeights { file in
      switch spoil {
      case .remove: file[name] = nil
      case .cut:
        file[name] = file[name].map {
          .init(
            name, [$0.shape[0] / 2] + $0.shape.dropFirst(),
            Array($0.floats[..<($0.floats.count / 2)]))
        }
      case .add: file[name] = .init(name, [1], [1])
      }
    }
    for verb in ["inspect", "verify"] {
      let result = try twin.packed.graft(
        verb, verb == "verify" ? twin.plain.path.string : "--json")
      #expect([65, 69].contains(result.exitCode) || verb == "inspect", "\(result)")
      #expect(result.exitCode == 0 || result.errors.contains(mention), "\(result)")
    }
    let out = twin.packed.beside("out").string
    let refused = try twin.packed.graft("convert", out, "--dtype", "f32", "--allow", "extra")
    #expect([65, 69].contains(refused.exitCode) && refused.errors.contains(mention), "\(refused)")
  }

  @Test func anotherMethodThanClaimedIsNamed() throws {
    let twin = try Self.twin(.compressedTensors)
    try twin.packed.claim(
      "quantization_config", ["quant_method": "gptq", "bits": 4, "group_size": 32])
    try twin.packed.expectRefused(65, "gptq", "compressed-tensors INT")
  }

  /// A lost config is made up for by tensors that tell; what is written must say what it is.
  @Test func tensorsTellWhereTheConfigIsLost() throws {
    let twin = try Self.twin(.compressedTensors)
    try twin.packed.editConfig { config in
      guard case .object(var object) = config else { return }
      object["quantization_config"] = nil
      config = .object(object)
    }
    expectSuccess(try twin.packed.graft("verify", twin.plain.path.string))
    let audited = try twin.packed.graft("inspect", "--audit")
    #expect(audited.exitCode == 1 && audited.output.contains("no quantization_config says so"))
    let out = twin.packed.beside("out").string
    expectSuccess(try twin.packed.graft("convert", out))
    expectSuccess(try GraftCommand.run("verify", out, twin.plain.path.string))
    let config = try JSONValue(parsing: Fixtures.contents(FilePath(out).appending("config.json")))
    #expect(config["quantization_config"]?["format"] == "pack-quantized")
    expectSuccess(try twin.packed.graft("convert", out, "--dtype", "f32", "--overwrite"))
  }
}
