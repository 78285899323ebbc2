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

  @Test func aWrongSizeIsFound() throws {
    try checkpoint.editConfig { $0["hc_lowrank"] = 6 }
    expectRefusal(
      try graft("inspect", checkpoint.path.string, "-v"), 65,
      ["another shape than the config says", "input_mix_weight_down"])
  }
}
