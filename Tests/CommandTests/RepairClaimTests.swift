import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// What a config says and tensors do not bear out is corrected where the tensors tell what is true.
@Suite struct RepairClaimTests {
  private static let dense = "huggingface/qwen3_5/text-bf16"
  private static let multimodal = "huggingface/qwen3_5/multimodal-mixed"

  /// A key, the fixture whose config gets it wrong, and what it should say.
  private static let claims:
    [(fixture: String, path: [String], wrong: JSONValue, right: JSONValue)] =
      [
        (dense, ["vocab_size"], 99, 320), (dense, ["dtype"], "float16", "bfloat16"),
        (dense, ["mtp_num_hidden_layers"], 1, 0), (dense, ["tie_word_embeddings"], true, false),
        (multimodal, ["text_config", "mtp_num_hidden_layers"], 0, 1),
        (multimodal, ["text_config", "mtp_num_hidden_layers"], 3, 1),
        (multimodal, ["text_config", "tie_word_embeddings"], true, false),
      ]

  private func repaired(_ checkpoint: EditableCheckpoint) throws -> (JSONValue, FilePath) {
    let out = checkpoint.beside("mended")
    let report = try checkpoint.graft("repair", out.string, "--json").json()
    try expectSameTensors(checkpoint.path, out)
    #expect(try GraftCommand.run("inspect", "--audit", out.string).exitCode == 0)
    return (report, out)
  }

  private func config(_ path: FilePath) throws -> JSONValue {
    try JSONValue(parsing: Fixtures.contents(path.appending("config.json")))
  }

  private func setting(_ value: JSONValue, at path: ArraySlice<String>, in config: JSONValue)
    -> JSONValue
  {
    guard let first = path.first else { return value }
    var changed = config
    changed[first] = setting(value, at: path.dropFirst(), in: config[first] ?? [:])
    return changed
  }

  @Test(arguments: claims.indices) func aKeySaysWhatIsStored(_ index: Int) throws {
    let claim = Self.claims[index]
    let checkpoint = try EditableCheckpoint(claim.fixture)
    try checkpoint.editConfig { $0 = setting(claim.wrong, at: claim.path[...], in: $0) }
    let (report, out) = try repaired(checkpoint)
    let found = claim.path.reduce(try config(out)) { $0[$1] ?? .null }
    #expect(found == claim.right, "\(report)")
    #expect(report["mends"]?.array?.first?["kind"]?.string == "claim", "\(report)")
  }

  @Test func aClaimOfQuantisedWeightsGoes() throws {
    let checkpoint = try EditableCheckpoint(Self.dense)
    try checkpoint.claim("quantization", ["group_size": 64, "bits": 4])
    let (_, out) = try repaired(checkpoint)
    #expect(try config(out)["quantization"] == nil)
  }

  /// The bits of a code follow from the shapes of the weight and of its scales.
  @Test(arguments: [["bits": 8], ["group_size": 64], nil] as [JSONValue?])
  func numbersOfAPackingAreThoseOfTheWeights(_ wrong: JSONValue?) throws {
    let source = try EditableCheckpoint(Self.dense)
    let mlx = source.beside("mlx")
    expectSuccess(try source.graft("convert", mlx.string, "--to", "mlx-qwen3_5", "--no-manifest"))
    let checkpoint = try PackedTwin(mlx, as: .mlx).packed
    try checkpoint.editConfig { config in
      for (key, value) in wrong?.object?.entries ?? [] { config["quantization"]?[key] = value }
      if wrong == nil { config["quantization"] = nil }
    }
    let (_, out) = try repaired(checkpoint)
    #expect(try config(out)["quantization"] == ["group_size": 32, "bits": 4] || wrong == nil)
    #expect(try config(out)["quantization"]?["bits"]?.int == 4)
  }

  /// Packed parts get the names that they should have, too.
  @Test func namesOfAWrapperGo() throws {
    let checkpoint = try PackedTwin(Fixtures.path(Self.dense), as: .compressedTensors).packed
    let sound = try EditableCheckpoint(copying: checkpoint.path)
    try checkpoint.editWeights { file in
      for index in file.tensors.indices {
        file.tensors[index].name = "_orig_mod." + file.tensors[index].name
      }
    }
    let out = checkpoint.beside("mended")
    expectSuccess(try checkpoint.graft("repair", out.string))
    try expectSameTensors(sound.path, out)
  }

  @Test func whatIsSoundIsNotCopied() throws {
    let checkpoint = try EditableCheckpoint(Self.dense)
    let result = try checkpoint.graft("repair", checkpoint.beside("mended").string)
    expectSuccess(result)
    #expect(result.output.contains("nothing to repair, and nothing is written"))
    #expect(checkpoint.neighbours == ["model"])
  }

  /// Damage that nobody can undo is named, whether other damage is mended or not.
  @Test(arguments: [false, true]) func whatCannotBeMendedIsLeft(isMended: Bool) throws {
    let checkpoint = try EditableCheckpoint(Self.dense)
    let name = "model.layers.0.mlp.gate_proj.weight"
    try checkpoint.editWeights { file in
      guard var weight = file[name] else { return }
      weight.bytes.replaceSubrange(0..<2, with: [0xc0, 0x7f])
      file[name] = weight
    }
    if isMended { try checkpoint.editConfig { $0["vocab_size"] = 99 } }
    let result = try checkpoint.graft("repair", checkpoint.beside("mended").string)
    guard isMended else {
      expectRefusal(result, 69, ["can be mended", "NaN", name])
      return #expect(checkpoint.neighbours == ["model"])
    }
    expectSuccess(result)
    #expect(result.output.contains("finding left: error: 1 of"), "\(result)")
  }

  @Test(arguments: ["--explain", "--dry-run"]) func aPlanWritesNothing(_ option: String) throws {
    let checkpoint = try EditableCheckpoint(Self.dense)
    try checkpoint.editConfig { $0["vocab_size"] = 99 }
    let result = try checkpoint.graft("repair", checkpoint.beside("mended").string, option)
    expectSuccess(result)
    #expect(result.output.contains("finding mended: vocab_size"), "\(result)")
    #expect(checkpoint.neighbours == ["model"])
  }
}
