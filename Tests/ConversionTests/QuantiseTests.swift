import Containers
import Diagnostics
import GraftTestSupport
import Opening
import SystemPackage
import Tensors
import Testing

@testable import Conversion

/// Checkpoints whose weights are quantised when they are written.
struct QuantiseTests {
  private func plan(_ fixture: String, to id: String, _ options: ConversionOptions) throws
    -> CheckpointPlan
  {
    let source = try OpenedModel(Fixtures.path(fixture), catalogue: .builtIn())
    return try CheckpointPlan(
      converting: source, to: source.target(id, in: .builtIn()), options: options)
  }

  private func options(_ kind: QuantisationKind) -> ConversionOptions {
    var options = ConversionOptions()
    options.quantisation = kind
    return options
  }

  /// To ask for a kind is to allow what it loses.
  @Test func matricesAreRoundedWithoutFurtherConsent() throws {
    let tensors = try plan(
      "huggingface/qwen3_5/text-bf16", to: "gguf-qwen35", options(.q8Zero)
    ).shards.flatMap(\.tensors)
    for tensor in tensors {
      let isMatrix = tensor.shape.count > 1 && !tensor.name.hasSuffix("ssm_conv1d.weight")
      let isWhole = (tensor.shape.last ?? 1) % 32 == 0
      #expect(tensor.type == (isMatrix ? isWhole ? .q8Zero : .f16 : .f32), "\(tensor.name)")
    }
  }

  @Test func typesByNameComeFirst() throws {
    var options = options(.q8Zero)
    options.rules = [TypeRule("output.weight", .type(.f32))]
    let tensors = try plan("huggingface/qwen3_5/text-bf16", to: "gguf-qwen35", options).shards
      .flatMap(\.tensors)
    #expect(tensors.first { $0.name == "output.weight" }?.type == .f32)
    #expect(tensors.first { $0.name == "token_embd.weight" }?.type == .q8Zero)
  }

  @Test(arguments: [
    ("gguf/qwen35moe-bf16.gguf", "gguf-qwen35moe", QuantisationKind.mlx4Bit),
    ("gguf/qwen35moe-bf16.gguf", "gguf-qwen35moe", .fp8Block),
    ("huggingface/qwen3_5/text-bf16", "qwen3_5", .q8Zero),
    ("huggingface/qwen3_5/text-bf16", "mlx-qwen3_5", .q4KM),
  ])
  func otherLayoutsCannotHoldAKind(fixture: String, layout: String, kind: QuantisationKind) throws {
    let problem = try #require(throws: Problem.self) {
      try plan(fixture, to: layout, options(kind))
    }
    #expect(problem.kind == .unsupported && problem.found == kind.rawValue)
    #expect(problem.expected == kind.holder.rawValue)
  }

  @Test func whatIsQuantisedIsNotQuantisedAgain() throws {
    let problem = try #require(throws: Problem.self) {
      try plan("gguf/qwen35-q8_0.gguf", to: "gguf-qwen35", options(.q8Zero))
    }
    #expect(problem.kind == .unsupported && problem.found == "Q8_0")
    #expect(problem.what == "weights that are quantised already are not quantised again")
  }

  /// As llama-quantize writes it: layers in order, each by name, after everything else; what is said of
  /// the blocks at the end of the metadata; the layer of multi-token prediction like the others.
  @Test func filesAreInTheOrderOfLlamaQuantize() throws {
    let source = try OpenedModel(
      Fixtures.path("gguf/qwen35moe-bf16.gguf"), catalogue: .builtIn())
    let layout = try source.target("gguf-qwen35moe", in: .builtIn())
    let scratch = try TemporaryDirectory()
    let destination = scratch.path.appending("out")
    try CheckpointPlan(converting: source, to: layout, options: options(.q4KM))
      .writePlainly(to: destination)
    let found = try OpenedModel(destination, catalogue: .builtIn()).checkpoint
    let names = found.tensors.map(\.name)
    let outside = names.prefix { !$0.hasPrefix("blk.") }
    #expect(Array(outside) == ["output_norm.weight", "token_embd.weight"])
    let layers = names.dropFirst(outside.count).map { (BlockTensor.layer($0), $0) }
    #expect(zip(layers, layers.dropFirst()).allSatisfy { $0 < $1 })
    #expect(
      found.values.suffix(2).map(\.key) == ["general.quantization_version", "general.file_type"])
    #expect(found.values.last?.value.json == 15)
    let prediction = found.tensors.first { $0.name.hasSuffix("nextn.eh_proj.weight") }
    #expect(prediction?.type.isBlock == true)
    for tensor in found.tensors {
      let before = try #require(source.checkpoint.tensor(tensor.name))
      #expect(tensor.shape == Array(before.shape.drop { $0 == 1 }))
      if !tensor.type.isBlock { #expect(try tensor.region.holdsSameBytes(as: before.region)) }
    }
  }

  @Test func namesAreReadInAnyCase() {
    #expect(QuantisationKind(name: "Q4_K_M") == .q4KM)
    #expect(QuantisationKind(name: "MLX-4bit") == .mlx4Bit)
    #expect(QuantisationKind(name: "q4") == nil)
  }
}
