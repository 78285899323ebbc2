import Canonical
import Diagnostics
import GraftTestSupport
import JSON
import Layouts
import Opening
import SystemPackage
import Testing

/// Checkpoints whose names and shapes fit two layouts, as with convolutions over one position.
struct SettledLayoutTests {
  private static let config = """
    { "vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 2, "intermediate_size": 4,
      "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 4, "num_experts": 0,
      "linear_num_key_heads": 1, "linear_num_value_heads": 2, "linear_key_head_dim": 2,
      "linear_value_head_dim": 3, "linear_conv_kernel_dim": 1, "full_attention_interval": 2,
      "partial_rotary_factor": 0.5, "layer_types": ["linear_attention", "full_attention"] }
    """

  /// A model with norms around zero or, where no spread is given, anywhere.
  private func generated(_ id: String, norms spread: Float?) throws -> (CanonicalModel, Layout) {
    let layout = try LayoutCatalogue.builtIn().layout(id)
    let configuration = try layout.configuration(from: JSONValue(parsing: Array(Self.config.utf8)))
    var model = try GeneratedModel.model(configuration, layout, seed: 3)
    for (role, tensor) in model.tensors where CanonicalModel.centredNorms.contains(role.name) {
      guard let spread else { continue }
      model.tensors[role] = CanonicalTensor(
        shape: tensor.shape, values: try tensor.floats().map { $0 * spread }, origin: "random")
    }
    return (model, layout)
  }

  /// Norms around zero or one, whatever the metadata say; with norms that tell nothing, the metadata.
  @Test(arguments: ["qwen3_next", "mlx-qwen3_next"], [nil, "pt", "mlx"])
  func normsTellBeforeMetadata(id: String, format: String?) throws {
    let (model, layout) = try generated(id, norms: 0.1)
    let scratch = try TemporaryDirectory()
    try GeneratedCheckpoint.write(
      model, layout, cast: nil, metadata: format.map { [("format", $0)] } ?? [], to: scratch.path)
    let read = try OpenedModel(scratch.path, catalogue: .builtIn())
    #expect(read.layout.id == id)
    let isAlone = id == "qwen3_next"  // whose list of layers mlx-lm does not read
    #expect(isAlone || read.evidence.evidence.last?.hasPrefix("norms tell") == true)
  }

  @Test func metadataTellWhereNormsDoNot() throws {
    let (model, layout) = try generated("mlx-qwen3_next", norms: nil)
    let (told, silent) = (try TemporaryDirectory(), try TemporaryDirectory())
    try GeneratedCheckpoint.write(model, layout, cast: nil, to: told.path)
    #expect(try OpenedModel(told.path, catalogue: .builtIn()).layout.id == "mlx-qwen3_next")
    try GeneratedCheckpoint.write(model, layout, cast: nil, metadata: [], to: silent.path)
    #expect(throws: Problem.self) { try OpenedModel(silent.path, catalogue: .builtIn()) }
  }

  /// Where both readings mean the same, that of torch is taken.
  @Test func anyReadingWillDoWhereAllMeanTheSame() throws {
    let (model, layout) = try generated("mlx-olmo_hybrid", norms: nil)
    let (told, silent) = (try TemporaryDirectory(), try TemporaryDirectory())
    try GeneratedCheckpoint.write(model, layout, cast: nil, metadata: [], to: silent.path)
    #expect(try OpenedModel(silent.path, catalogue: .builtIn()).layout.id == "olmo_hybrid")
    try GeneratedCheckpoint.write(model, layout, cast: nil, to: told.path)
    #expect(try OpenedModel(told.path, catalogue: .builtIn()).layout.id == "mlx-olmo_hybrid")
  }
}
