import GraftTestSupport
import JSON
import Testing

/// Layouts of which Graft knows every tensor and not what they compute.
@Suite struct InspectOnlyTests {
  private func inspect(_ checkpoint: EditableCheckpoint) throws -> JSONValue {
    let result = try checkpoint.graft("inspect", "--json")
    expectSuccess(result)
    return try result.json()
  }

  @Test(arguments: [
    ("qwen4_exp", "text, experts apart", ["gdn", "gdn", "indexed_attention", "gdn"])
  ])
  func theyAreInspectedInFull(layout: String, form: String, mixers: [String]) throws {
    let checkpoint = try EditableCheckpoint("inspect/\(layout)")
    let report = try inspect(checkpoint)
    #expect(report["layout"]?.string == layout && report["form"]?["form"]?.string == form)
    let layers = try #require(report["layers"]?.array)
    #expect(layers.map { $0["mixer"]?.string } == mixers)
    let tensors = try EditableCheckpoint.tensors(of: checkpoint.path).values
    let total = tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
    let outside = tensors.filter { !$0.name.contains(".layers.") }
      .reduce(0) { $0 + $1.shape.reduce(1, *) }
    #expect(report["parameters"]?.int == total)
    let ofLayers = layers.reduce(0) { $0 + ($1["parameters"]?.int ?? 0) }
    #expect(ofLayers + outside == total)
  }

  @Test(arguments: ["qwen4_exp"])
  func everythingElseIsRefusedByName(layout: String) throws {
    let checkpoint = try EditableCheckpoint("inspect/\(layout)")
    let path = checkpoint.path.string
    let tokens = try checkpoint.write("tokens.txt", "1 2 3".utf8).string
    let out = checkpoint.beside("out").string
    let before = checkpoint.neighbours
    let refusal = ["layout \(layout) can be inspected and no more", "Graft computes neither"]
    for arguments in [
      ["convert", path, out], ["convert", path, out, "--to", "qwen3_next"],
      ["splice", path, out, "--layer", "0"], ["verify", path, path],
      ["logits", path, "--tokens", tokens, "--output", out], ["score", path, "--tokens", tokens],
      ["generate", path, "--tokens", tokens],
      ["convert", Fixtures.path("huggingface/qwen3_5/text-bf16").string, out, "--to", layout],
    ] {
      expectRefusal(try GraftCommand.run(arguments), 69, refusal)
    }
    #expect(checkpoint.neighbours == before)
  }

  /// Shapes follow from the config, tensor by tensor.
  @Test(arguments: [
    ("qwen4_exp", "hc_lowrank", "input_mix_weight_down"),
    ("qwen4_exp", "indexer_n_heads", "index_qk_proj"),
    ("qwen4_exp", "ple_embed_dim", "ple.key_proj"),
    ("qwen4_exp", "linear_value_head_dim", "in_proj_z"),
  ])
  func aWrongSizeIsFound(layout: String, key: String, tensor: String) throws {
    let checkpoint = try EditableCheckpoint("inspect/\(layout)")
    try checkpoint.editConfig { $0[key] = JSONValue(($0[key]?.int ?? 0) + 1) }
    let result = try checkpoint.graft("inspect", "-v")
    expectRefusal(result, 65, ["another shape than the config says", tensor])
  }

  @Test func aLayerOfTheWrongKindIsFound() throws {
    let other = try EditableCheckpoint("inspect/qwen4_exp")
    try other.editConfig { $0["ple_layer_ids"] = [1] }
    expectRefusal(try other.graft("inspect"), 65, ["model.layers.0.ple."])
    for list: JSONValue in [[9], [0], [2, 2]] {
      try other.editConfig { $0["ple_layer_ids"] = list }
      expectRefusal(try other.graft("inspect"), 65, ["does not exist or is named twice"])
    }
  }
}
