import Conversion
import Diagnostics
import GraftTestSupport
import JSON
import Layouts
import Opening
import SystemPackage
import Testing

/// Which layout's problems are reported where none fits.
@Suite struct NearestLayoutTests {
  private func problems(_ path: FilePath) -> [Problem] {
    do {
      _ = try OpenedModel(path, catalogue: .builtIn())
      return []
    } catch { return error.asProblems }
  }

  /// Layouts of mlx-lm have the same names and do not read all of these keys.
  @Test(
    arguments: [
      ("huggingface/qwen3_next/bf16", "layer_types", "linear_attention"),
      ("huggingface/qwen3_next/bf16", "layer_types", ["linear_attention", "sliding", 3]),
      ("huggingface/qwen3_next/bf16", "decoder_sparse_step", 0),
      ("huggingface/olmo_hybrid/bf16", "layer_types", "linear_attention"),
    ] as [(String, String, JSONValue)])
  func aBadValueOfTheConfigIsNamed(fixture: String, key: String, value: JSONValue) throws {
    let copy = try EditableCheckpoint(fixture)
    try copy.editConfig { $0[key] = value }
    let found = problems(copy.path)
    #expect(found.count == 1)
    #expect(found.first?.file == copy.path.appending("config.json").string)
  }

  @Test(arguments: ["qwen3_next", "mlx-qwen3_next"])
  func aMissingTensorIsNamedInItsOwnLayout(_ layout: String) throws {
    let source = try OpenedModel(
      Fixtures.path("huggingface/qwen3_next/bf16"), catalogue: .builtIn())
    let folder = try TemporaryDirectory()
    let written = folder.path.appending("out")
    try CheckpointPlan(
      converting: source, to: source.target(layout, in: .builtIn()), options: ConversionOptions()
    ).writePlainly(to: written)
    let copy = try EditableCheckpoint(copying: written)
    let name = "model.layers.0.mlp.shared_expert.up_proj.weight"
    try copy.editWeights { $0[name] = nil }
    #expect(problems(copy.path).map(\.tensor) == [name])
  }
}
