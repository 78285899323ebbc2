import Canonical
import Containers
import Diagnostics
import Foundation
import GraftTestSupport
import JSON
import Opening
import SystemPackage
import Tensors
import Testing

@testable import Conversion

/// Checkpoints quantised to FP8 blocks have the form of Qwen's own.
struct FP8QuantiseTests {
  private func convert(
    _ path: FilePath, to destination: FilePath, _ kind: QuantisationKind = .fp8Block
  ) throws -> CheckpointPlan {
    let source = try OpenedModel(path, catalogue: .builtIn())
    var options = ConversionOptions()
    options.quantisation = kind
    let target = try source.target(source.layout.id, quantising: kind, in: .builtIn())
    let plan = try CheckpointPlan(converting: source, to: target, options: options)
    try plan.writePlainly(to: destination)
    return plan
  }

  @Test(arguments: [
    "qwen3_5/multimodal-mixed", "qwen3_5_moe/multimodal-fused-mixed", "qwen3_next/bf16",
    "olmo_hybrid/bf16",
  ])
  func everyModuleIsScaledOrListed(fixture: String) throws {
    let scratch = try TemporaryDirectory()
    let path = scratch.path.appending("out")
    _ = try convert(Fixtures.path("huggingface/\(fixture)"), to: path)
    let output = try OpenedModel(path, catalogue: .builtIn())
    let claim = try #require(output.config.value["quantization_config"])
    let listed = Set(claim["modules_to_not_convert"]?.array?.compactMap(\.string) ?? [])
    let names = Set(output.stored.tensors.map(\.name))
    for tensor in output.stored.tensors where !tensor.name.hasSuffix("_scale_inv") {
      let isScaled = names.contains(tensor.name + "_scale_inv")
      let module = tensor.name.replacing(".weight", with: "").replacing(".bias", with: "")
      #expect(isScaled == (tensor.type == .f8E4M3), "\(tensor.name)")
      #expect(isScaled != listed.contains(module), "\(tensor.name)")
    }
    #expect(listed.contains("lm_head") && claim["weight_block_size"] == [128, 128])
    #expect(output.findings.isEmpty)
  }

  /// Experts stand apart and projections of multi-token prediction are quantised, as in Qwen's own.
  @Test(arguments: [
    ("qwen3_5_moe/multimodal-fused-mixed", "mlp.experts.0.gate_proj.weight"),
    ("qwen3_5/multimodal-mixed", "mtp.layers.0.self_attn.q_proj.weight"),
  ])
  func projectionsHaveTheNamesOfQwen(fixture: String, ending: String) throws {
    let scratch = try TemporaryDirectory()
    let plan = try convert(
      Fixtures.path("huggingface/\(fixture)"), to: scratch.path.appending("out"))
    let tensor = try #require(
      plan.shards.flatMap(\.tensors).first { $0.name.hasSuffix(ending) })
    #expect(tensor.type == .f8E4M3)
  }

  /// A matrix that is not cut into whole blocks stays plain, and so do all experts beside it.
  @Test func whatIsNotCutIntoBlocksStaysPlain() throws {
    func stored(_ name: String, _ shape: [Int]) -> StoredTensor {
      StoredTensor(
        name: name, type: .bf16, shape: shape,
        region: ByteRegion(OwnedBytes(count: shape.reduce(2, *))), file: "")
    }
    let forms = FP8Policy(key: "quantization_config").forms(carried: [
      stored("mtp.layers.0.self_attn.q_proj.weight", [256, 64]),
      stored("mtp.layers.0.self_attn.o_proj.weight", [64, 160]),
      stored("mtp.layers.0.mlp.experts.0.up_proj.weight", [96, 64]),
      stored("mtp.layers.0.mlp.experts.1.down_proj.weight", [64, 160]),
      stored("mtp.fc.weight", [128, 128]),
    ])
    #expect(forms == ["mtp.layers.0.self_attn.q_proj.weight": .scaled])
  }

  /// Values that no scale can stand for are refused with their place, and nothing is left.
  @Test(arguments: [
    (Float.nan, QuantisationKind.fp8Block), (.infinity, .mlx4Bit), (.nan, .mlxNVFP4),
  ])
  func valuesThatAreNotFiniteAreRefused(value: Float, kind: QuantisationKind) throws {
    let copy = try EditableCheckpoint("huggingface/qwen3_5/text-bf16")
    let file = copy.path.appending("model.safetensors")
    var weights = try PlainCheckpointFile(file)
    let name = "model.layers.0.mlp.up_proj.weight"
    weights[name]?.bytes.replaceSubrange(
      130..<132, with: withUnsafeBytes(of: FloatBits.bf16(value).littleEndian) { Array($0) })
    try Data(weights.bytes).write(to: URL(fileURLWithPath: file.string))
    let source = try OpenedModel(copy.path, catalogue: .builtIn())
    var options = ConversionOptions()
    options.quantisation = kind
    let target = try source.target(kind == .fp8Block ? "qwen3_5" : "mlx-qwen3_5", in: .builtIn())
    let problem = try #require(throws: Problem.self) {
      try CheckpointPlan(converting: source, to: target, options: options)
        .writePlainly(to: copy.beside("out"))
    }
    #expect(problem.what == "a weight cannot be quantised")
    #expect(problem.tensor?.hasSuffix("layers.0.mlp.up_proj.weight") == true)
    #expect(problem.found?.hasSuffix("at element 65") == true)
    #expect(!copy.neighbours.contains("out"))
  }
}
