import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// What `--json` prints, against the schemas in `docs/schemas`.
@Suite struct DocumentSchemaTests {
  private static let model = Fixtures.path("tutorial/qwen3.5-small").string
  private static let plain = Fixtures.path("huggingface/qwen3_5/text-bf16").string

  private func expectDescribed(
    _ words: [String], _ sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let result = try GraftCommand.run(words + ["--json"])
    let faults = try DocumentSchema(words[0]).faults(result.json())
    #expect(faults.isEmpty, "\(words.prefix(3)): \(faults)", sourceLocation: sourceLocation)
  }

  @Test(arguments: [
    ["inspect", model, "--audit"], ["inspect", plain], ["inspect", "/nowhere"],
    ["inspect", Fixtures.path("huggingface/qwen3_5/fp8-multimodal").string],
    ["convert", plain, "--explain", "--to", "mlx"], ["convert", plain, "--explain", "--to", "fla"],
    ["convert", model, "/nowhere/out", "--to", "mlx"],
    ["repair", plain, "/nowhere/out", "--explain"], ["diff", plain, plain], ["diff", model, plain],
    [
      "score", plain, "--bytes", "--tokens", Fixtures.path("scripts/training.py").string, "--limit",
      "9",
    ],
    ["generate", plain, "--tokens", plain + "/reference.safetensors", "--count", "2"],
    ["formats"], ["formats", "--show", "fla"], ["formats", "--show", "none"],
  ])
  func documentsAreDescribed(_ words: [String]) throws { try expectDescribed(words) }

  /// What is written, compared and put together.
  @Test func documentsOfOutputsAreDescribed() throws {
    let folder = try TemporaryDirectory()
    func out(_ name: String) -> String { folder.path.appending(name).string }
    let tokens = [
      "--bytes", "--tokens", Fixtures.path("scripts/make_npz_fixtures.py").string,
    ]
    try expectDescribed(["convert", Self.model, out("gguf"), "--to", "gguf", "--allow", "vision"])
    try expectDescribed(["convert", out("gguf"), out("text"), "--to", "qwen3_5"])
    try expectDescribed(["compose", out("text"), Self.model, out("back")])
    try expectDescribed([
      "convert", Self.plain, out("merged"), "--adapter", Fixtures.path("adapters/linear").string,
    ])
    try expectDescribed(["diff", out("merged"), Self.plain])
    try expectDescribed([
      "convert", Self.plain, out("packed"), "--to", "mlx", "--quantise", "mlx-4bit",
    ])
    try expectDescribed(["inspect", out("packed")])
    try expectDescribed(["verify", out("packed"), Self.plain, "--gate", "quantised"])
    try expectDescribed([
      "verify", Self.plain, "--reference", Self.plain + "/reference.safetensors",
    ])
    try expectDescribed(
      [
        "splice", Self.model, out("spliced"), "--layer", "auto", "--init", "calibrate", "--steps",
        "2",
      ]
        + tokens)
    try expectDescribed([
      "logits", Self.plain, "--tokens", Self.plain + "/reference.safetensors", "--output",
      out("logits.safetensors"),
    ])
  }

  /// A schema that allows everything would find nothing.
  @Test func otherDocumentsAreNot() throws {
    let schema = try DocumentSchema("score")
    let sound = try GraftCommand.run(
      "score", Self.plain, "--tokens", Self.plain + "/reference.safetensors", "--json"
    ).json()
    #expect(schema.faults(sound).isEmpty)
    for (key, value) in [("nll", "low"), ("sequences", 1.5), ("more", 1)] as [(String, JSONValue)] {
      var other = sound
      other[key] = value
      #expect(schema.faults(other).count == 1, "\(key)")
    }
    #expect(try !DocumentSchema("diff").faults(sound).isEmpty)
  }
}
