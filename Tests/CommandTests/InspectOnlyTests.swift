import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Layouts of which Graft knows every tensor and not what they compute: here that of a file.
@Suite struct InspectOnlyTests {
  private static let fixture = "huggingface/qwen4_exp/released-f32"
  private let folder: TemporaryDirectory
  private let checkpoint: EditableCheckpoint

  init() throws {
    folder = try TemporaryDirectory()
    checkpoint = try EditableCheckpoint(Self.fixture)
    try checkpoint.editConfig { $0["model_type"] = "mine" }
    try folder.write("mine.json", Self.layout().utf8)
  }

  /// The layout of the fixture under another name, which knows nothing of the head but its shape.
  private static func layout() throws -> String {
    var layout = try GraftCommand.run("formats", "--show", "qwen4_exp").output
    for (old, new) in [
      ("\"layout\": \"qwen4_exp\"", "\"layout\": \"mine\", \"inspect_only\": \"Graft does not\""),
      ("[\"qwen4_exp_text\", \"qwen4_exp\"]", "[\"mine\"]"),
      (
        "{ \"name\": \"lm_head.weight\", \"when\": \"head=own\", \"is\": \"head\" }",
        "{ \"name\": \"lm_head.weight\", \"opaque\": [\"vocab\", \"H\"] }"
      ),
    ] {
      let place = try #require(layout.range(of: old))
      layout.replaceSubrange(place, with: new)
    }
    return layout
  }

  private func graft(_ arguments: String...) throws -> CommandResult {
    try GraftCommand.run(arguments + ["--formats", folder.path.string])
  }

  @Test func theyAreInspectedInFull() throws {
    let result = try graft("inspect", checkpoint.path.string, "--json")
    expectSuccess(result)
    let report = try result.json()
    #expect(report["layout"]?.string == "mine")
    let tensors = try EditableCheckpoint.tensors(of: checkpoint.path).values
    #expect(report["parameters"]?.int == tensors.reduce(0) { $0 + $1.shape.reduce(1, *) })
  }

  @Test func everythingElseIsRefusedByName() throws {
    let (path, out) = (checkpoint.path.string, checkpoint.beside("out").string)
    let tokens = try checkpoint.write("tokens.txt", "1 2 3".utf8).string
    let before = checkpoint.neighbours
    for result in [
      try graft("convert", path, out), try graft("splice", path, out, "--layer", "0"),
      try graft("verify", path, path), try graft("score", path, "--tokens", tokens),
      try graft("convert", Fixtures.path(Self.fixture).string, out, "--to", "mine"),
    ] {
      expectRefusal(
        result, 69, ["layout mine can be inspected and no more", "Graft does not"])
    }
    #expect(checkpoint.neighbours == before)
  }

  /// GLM-5.3-Flash as transformers saves it, one layer with an indexer and one that shares its choice; Kimi K3 with
  /// packed experts.
  @Test(arguments: [
    ("glm5_next", ["kda", "indexed_attention", "kda", "kda", "indexed_attention"]),
    ("kimi_k3", ["kimi_delta", "gated_latent", "kimi_delta"]),
  ])
  func builtInOnesAreInspectedInFull(_ layout: String, _ mixers: [String]) throws {
    let source = try EditableCheckpoint("inspected/\(layout)")
    let result = try source.graft("inspect", "--json")
    expectSuccess(result)
    let report = try result.json()
    #expect(report["layout"]?.string == layout)
    #expect(report["layers"]?.array?.compactMap { $0["mixer"]?.string } == mixers)
    #expect(report["unknown"]?.array?.isEmpty != false)
    let tensors = try EditableCheckpoint.tensors(of: source.path).values
    let values = tensors.reduce(0) { sum, tensor in
      let count = tensor.shape.reduce(1, *)
      if tensor.name.hasSuffix(".weight_scale") { return sum }
      return sum + (tensor.name.hasSuffix(".weight_packed") ? 2 * count : count)
    }
    #expect(report["parameters"]?.int == values)
    let out = source.beside("out").string
    for refused in [
      try source.graft("convert", out), try source.graft("convert", out, "--to", "kimi_linear"),
      try source.graft("splice", out, "--layer", "0"),
    ] {
      expectRefusal(refused, 69, ["layout \(layout) can be inspected and no more"])
    }
    // Nothing is taken for something else: one tensor less, and one more.
    let name = try #require(tensors.first { $0.name.hasSuffix("o_proj.weight") }).name
    try source.editWeights { file in file.tensors.removeAll { $0.name == name } }
    expectRefusal(try source.graft("inspect"), 65, [name])
    try source.editWeights { file in
      file.tensors.append(.init(name, "BF16", [3], [0, 0, 0, 0, 0, 0]))
    }
    expectRefusal(try source.graft("inspect"), 65, [name])
  }

  @Test func aWrongSizeIsFound() throws {
    try checkpoint.editConfig { $0["hc_lowrank"] = 6 }
    expectRefusal(
      try graft("inspect", checkpoint.path.string, "-v"), 65,
      ["another shape than the config says", "input_mix_weight_down"])
  }
}
