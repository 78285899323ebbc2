import Canonical
import Containers
import Diagnostics
import GraftTestSupport
import Layouts
import Opening
import SystemPackage
import Testing

@testable import Conversion

/// Conversion between layouts, on checkpoints whose logits their own implementations computed.
struct CrossLayoutTests {
  private func opened(_ path: FilePath) throws -> OpenedModel {
    try OpenedModel(path, catalogue: .builtIn())
  }

  private func convert(
    _ source: OpenedModel, to id: String, at destination: FilePath,
    _ options: ConversionOptions = ConversionOptions()
  ) throws -> OpenedModel {
    let layout = try source.target(id, in: .builtIn())
    let plan = try CheckpointPlan(converting: source, to: layout, options: options)
    try plan.writePlainly(to: destination)
    return try OpenedModel(destination, from: id, catalogue: .builtIn())
  }

  private func expectSameTensors(_ a: StoredCheckpoint, _ b: StoredCheckpoint) throws {
    #expect(Set(a.tensors.map(\.name)) == Set(b.tensors.map(\.name)))
    for tensor in a.tensors {
      guard let other = b.tensor(tensor.name) else { continue }
      #expect(other.type == tensor.type && other.shape == tensor.shape, "\(tensor.name)")
      #expect(try tensor.region.holdsSameBytes(as: other.region), "\(tensor.name)")
    }
  }

  /// Moves and permutations: there and back is byte for byte the same.
  @Test(arguments: [
    ("huggingface/qwen3_next/bf16", "qwen3_5_moe"), ("huggingface/qwen3_5/text-bf16", "qwen3_next"),
    ("huggingface/olmo_hybrid/bf16", "mlx-olmo_hybrid"), ("options/m2rnn-norm", "fla"),
    ("options/m2rnn-heads-divisor", "fla"), ("options/m2rnn-bias", "fla"),
  ])
  func thereAndBackIsTheSame(fixture: String, other: String) throws {
    let scratch = try TemporaryDirectory()
    let source = try opened(Fixtures.path(fixture))
    let there = try convert(source, to: other, at: scratch.path.appending("there"))
    #expect(there.configuration.disagreements(with: source.configuration).isEmpty)
    for (role, tensor) in source.canonical.tensors {
      #expect(try there.canonical.tensors[role]?.floats() == tensor.floats(), "\(role)")
    }
    let back = try convert(there, to: source.layout.id, at: scratch.path.appending("back"))
    try expectSameTensors(source.checkpoint, back.checkpoint)
    #expect(back.configuration.disagreements(with: source.configuration).isEmpty)
  }

  /// What a config says beyond facts goes along, and nothing of the layout in between stays.
  @Test func configKeysComeBack() throws {
    let scratch = try TemporaryDirectory()
    let source = try opened(Fixtures.path("huggingface/qwen3_5/text-bf16"))
    let there = try convert(source, to: "qwen3_next", at: scratch.path.appending("there"))
    let back = try convert(there, to: "qwen3_5", at: scratch.path.appending("back"))
    let before = try #require(source.checkpoint.config?.object)
    let after = try #require(back.checkpoint.config?.object)
    #expect(Set(after.keys) == Set(before.keys))
    for key in before.keys where before[key]?.object == nil {
      #expect(after[key] == before[key], "\(key)")
    }
  }

  /// A norm that has to be shifted is stored as F32 and means the same.
  @Test(arguments: [
    ("huggingface/qwen3_next/bf16", "mlx-qwen3_next", "model.norm.weight"),
    ("huggingface/qwen3_5/text-bf16", "mlx-qwen3_5", "language_model.model.norm.weight"),
  ])
  func shiftedNormsAreWidened(fixture: String, other: String, norm: String) throws {
    let scratch = try TemporaryDirectory()
    let source = try opened(Fixtures.path(fixture))
    let there = try convert(source, to: other, at: scratch.path.appending("there"))
    #expect(there.checkpoint.tensor(norm)?.type == .f32)
    for (role, tensor) in source.canonical.tensors {
      #expect(try there.canonical.tensors[role]?.floats() == tensor.floats(), "\(role)")
    }
    let back = try convert(there, to: source.layout.id, at: scratch.path.appending("back"))
    try expectSameTensors(source.checkpoint, back.checkpoint)
    var options = ConversionOptions()
    options.cast = .bf16
    #expect(throws: Problem.self, "a shifted norm does not fit BF16") {
      try convert(source, to: other, at: scratch.path.appending("narrow"), options)
    }
  }

  @Test(arguments: [
    ("lm-engine/gdn-hybrid", "qwen3_5", "gdn.gate"),
    ("huggingface/qwen3_5/text-bf16", "lm-engine", "gdn.gate"),
    ("huggingface/qwen3_5/text-bf16", "olmo_hybrid", "norm.placement"),
    ("huggingface/qwen3_5/text-bf16", "fla", "attention.gate"),
    ("fla/gdn-hybrid", "qwen3_5", "attention.qk_norm"),
    ("huggingface/qwen3_next/bf16", "qwen3_5", "mlp"),
    ("lm-engine/m2rnn-1l", "qwen3_next", "gdn.gate"),
    ("huggingface/qwen3_5_moe/text-f32", "gguf-qwen35moe", "gdn.length_eps"),
    ("fla/bare", "lm-engine", "more than one position"),
    ("fla/tied", "olmo_hybrid", "a layer with attention"),
  ])
  func whatALayoutCannotHoldIsRefused(fixture: String, other: String, fact: String) throws {
    let scratch = try TemporaryDirectory()
    let source = try opened(Fixtures.path(fixture))
    do {
      _ = try convert(source, to: other, at: scratch.path.appending("there"))
      Issue.record("\(fixture) was converted to \(other)")
    } catch {
      let problems = error.asProblems
      #expect(problems.allSatisfy { $0.kind == .unsupported })
      #expect(problems.contains { $0.what.contains(fact) }, "\(problems.map(\.text))")
    }
  }

  @Test func visionAndPredictionTensorsTravelOrAreDroppedByName() throws {
    let scratch = try TemporaryDirectory()
    let source = try opened(Fixtures.path("huggingface/qwen3_5/multimodal-mixed"))
    let kept = try convert(source, to: "qwen3_5", at: scratch.path.appending("kept"))
    try expectSameTensors(source.checkpoint, kept.checkpoint)
    var options = ConversionOptions()
    options.dropsMTP = true
    let plan = try CheckpointPlan(converting: source, to: source.layout, options: options)
    #expect(plan.dropped.allSatisfy { $0.name.hasPrefix("mtp.") && $0.reason == "--mtp drop" })
    #expect(!plan.dropped.isEmpty)
    #expect(throws: Problem.self, "vision tensors have no place there") {
      try convert(source, to: "qwen3_next", at: scratch.path.appending("next"), options)
    }
  }

  /// The config says what the options did.
  @Test func configsFollowCastsAndDroppedTensors() throws {
    let scratch = try TemporaryDirectory()
    let source = try opened(Fixtures.path("huggingface/qwen3_5/multimodal-mixed"))
    var options = ConversionOptions()
    options.cast = .f32
    options.dropsMTP = true
    let cast = try convert(source, to: "qwen3_5", at: scratch.path.appending("cast"), options)
    let text = try #require(cast.checkpoint.config?["text_config"])
    #expect(text["dtype"] == "float32" && text["mtp_num_hidden_layers"] == 0)
    #expect(cast.checkpoint.tensors.allSatisfy { !$0.name.hasPrefix("mtp.") })
  }

  /// The dialect that cuts convolutions into thirds is read, and the released one written.
  @Test func anOlderDialectIsWrittenAsTheReleasedOne() throws {
    let scratch = try TemporaryDirectory()
    let source = try opened(Fixtures.path("huggingface/olmo_hybrid/resave-f32"))
    #expect(!source.layout.form.isWritten)
    let written = try convert(source, to: "olmo_hybrid", at: scratch.path.appending("new"))
    #expect(written.layout.form.name == "released")
    for (role, tensor) in source.canonical.tensors {
      #expect(try written.canonical.tensors[role]?.floats() == tensor.floats(), "\(role)")
    }
  }
}
