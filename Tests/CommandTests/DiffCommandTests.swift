import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// What `diff` tells apart, and what it takes for the same.
@Suite struct DiffCommandTests {
  private func diff(_ a: FilePath, _ b: FilePath, _ options: String...) throws -> CommandResult {
    try GraftCommand.run(["diff", a.string, b.string] + options)
  }

  @Test(arguments: ["huggingface/qwen3_5/text-bf16", "fla/bare", "trained/pytiny"])
  func aCopyIsTheSame(_ fixture: String) throws {
    let copy = try EditableCheckpoint(fixture)
    let result = try diff(Fixtures.path(fixture), copy.path)
    expectSuccess(result)
    #expect(result.output.hasPrefix("same: ") && result.output.contains("by stored names"))
  }

  @Test func aChangedValueIsMeasured() throws {
    let copy = try EditableCheckpoint("fla/bare")
    try copy.editWeights { file in
      let index = try #require(file.tensors.firstIndex { $0.name == "model.norm.weight" })
      file.tensors[index].floats[3] += 0.5
    }
    let result = try diff(Fixtures.path("fla/bare"), copy.path, "--json")
    #expect(result.exitCode == 1)
    let report = try result.json()
    #expect(report["schema"] == "graft.diff/1" && report["same"] == false)
    #expect(report["tensors"]?.array?.count == 1)
    let row = try #require(report["tensors"]?.array?.first)
    #expect(row["name"] == "model.norm.weight" && row["values"]?["changed"] == 1)
    #expect(abs((row["values"]?["max_abs"]?.number ?? 0) - 0.5) < 1e-6)
  }

  @Test func namesShapesTypesConfigAndFilesAreCompared() throws {
    let copy = try EditableCheckpoint("fla/bare")
    try copy.editConfig { $0["norm_eps"] = 0.5 }
    try copy.write("notes.txt", "x".utf8)
    try copy.editWeights { file in
      file.tensors[0].name += ".other"
      file.tensors[1].shape.reverse()
      file.tensors[2].type = "I32"
    }
    let result = try diff(Fixtures.path("fla/bare"), copy.path)
    #expect(result.exitCode == 1)
    for text in [
      "only in the first: ", "only in the second: ", ".other", "shape of ", "F32 and I32",
      "norm_eps: 1e-06 and 0.5", "notes.txt: only in the second",
    ] { #expect(result.output.contains(text), "no \(text) in \(result.output)") }
  }

  /// One model in two layouts: fused or not, norms with one added or not.
  @Test(arguments: [
    ("huggingface/qwen3_5_moe/text-f32", "mlx-qwen3_5_moe"),
    ("huggingface/qwen3_5_moe/text-f32", "qwen3_next"), ("options/m2rnn-norm", "fla"),
  ])
  func twoLayoutsAreComparedByRoles(_ fixture: String, _ layout: String) throws {
    let scratch = try TemporaryDirectory()
    let there = try scratch.convert(Fixtures.path(fixture), "there", "--to", layout)
    let report = try diff(Fixtures.path(fixture), there, "--json").json()
    #expect(report["matched_by"] == "roles" && report["config"] == .array([]))
    #expect(report["tensors"] == .array([]), "\(report)")
    let copy = try EditableCheckpoint(copying: there)
    try copy.editWeights { file in
      let index = try #require(file.tensors.firstIndex { $0.type == "F32" })
      file.tensors[index].floats[0] += 1
    }
    let changed = try diff(Fixtures.path(fixture), copy.path, "--json")
    #expect(changed.exitCode == 1)
    #expect(try changed.json()["tensors"]?.array?.count == 1)
  }

  @Test func whatIsNotThereIsAnError() throws {
    let result = try diff(Fixtures.path("fla/bare"), "/nowhere")
    expectRefusal(result, 66, ["no such file"])
  }
}
