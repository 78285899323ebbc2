import Canonical
import Containers
import Diagnostics
import GraftTestSupport
import JSON
import Layouts
import Opening
import SystemPackage
import Tensors
import Testing

@testable import Conversion

/// Conversion to GGUF and back, on checkpoints of transformers and of llama.cpp.
struct GGUFConversionTests {
  private let scratch: TemporaryDirectory

  init() throws { scratch = try TemporaryDirectory() }

  private func opened(_ path: FilePath) throws -> OpenedModel {
    try OpenedModel(path, catalogue: .builtIn())
  }

  private func convert(
    _ source: OpenedModel, to id: String, _ name: String,
    _ change: (inout ConversionOptions) -> Void = { _ in }
  ) throws -> (plan: CheckpointPlan, model: OpenedModel) {
    var options = ConversionOptions()
    change(&options)
    let layout = try source.target(id, in: .builtIn())
    let plan = try CheckpointPlan(converting: source, to: layout, options: options)
    let destination = scratch.path.appending(name)
    try plan.writePlainly(to: destination)
    return (plan, try opened(destination))
  }

  private func expectSameTensors(_ a: OpenedModel, _ b: OpenedModel) throws {
    #expect(Set(a.checkpoint.tensors.map(\.name)) == Set(b.checkpoint.tensors.map(\.name)))
    for tensor in a.checkpoint.tensors {
      guard let other = b.checkpoint.tensor(tensor.name) else { continue }
      #expect(other.type == tensor.type && other.shape == tensor.shape, "\(tensor.name)")
      #expect(try tensor.region.holdsSameBytes(as: other.region), "\(tensor.name)")
    }
  }

  /// Norms and decay rates are computed, other small tensors widened; all come back as they were.
  @Test(arguments: [
    ("huggingface/qwen3_5/text-bf16", "gguf-qwen35"),
    ("huggingface/qwen3_next/bf16", "gguf-qwen3next"),
  ])
  func thereAndBackIsTheSame(fixture: String, layout: String) throws {
    let source = try opened(Fixtures.path(fixture))
    let there = try convert(source, to: layout, "there").model
    #expect(there.layout.id == layout && there.checkpoint.container == .gguf)
    #expect(there.configuration.disagreements(with: source.configuration).isEmpty)
    #expect(there.canonical.tensors[Role("gdn.norm", layer: 0)]?.type == .f32)
    let back = try convert(there, to: source.layout.id, "back").model
    try expectSameTensors(source, back)
  }

  /// What llama.cpp's converter wrote goes to Hugging Face's layout and back: matrices, types and
  /// the tensors of multi-token prediction are the same bytes.
  @Test(arguments: [
    ("qwen35moe-bf16", "qwen3_5_moe", ScalarType.bf16), ("qwen3next-f16", "qwen3_next", .f16),
  ])
  func filesOfLlamaComeBack(name: String, layout: String, type: ScalarType) throws {
    let source = try opened(Fixtures.path("gguf/\(name).gguf"))
    let there = try convert(source, to: layout, "there").model
    #expect(there.checkpoint.tensor("mtp.fc.weight")?.type == type)
    #expect(there.checkpoint.config?["mtp_num_hidden_layers"] == 1)
    let back = try convert(there, to: source.layout.id, "back").model
    try expectSameTensors(source, back)
    #expect(back.configuration == source.configuration)
    for key in ["ssm.state_size", "block_count", "nextn_predict_layers", "rope.freq_base"] {
      let full = "\(layout == "qwen3_next" ? "qwen3next" : "qwen35moe").\(key)"
      let found = back.checkpoint.values.first { $0.key == full }?.value
      #expect(found == source.checkpoint.values.first { $0.key == full }?.value, "\(key)")
    }
  }

  /// Rounded as llama.cpp rounds: the file that its converter made from the same values.
  @Test func quantisingIsThatOfLlama() throws {
    let source = try opened(Fixtures.path("gguf/qwen35-q8_0.gguf"))
    let wide = try convert(source, to: "qwen3_5", "wide") { $0.cast = .f32 }.model
    let back = try convert(wide, to: "gguf-qwen35", "back") {
      $0.cast = .q8Zero
      $0.allowsLoss = true
    }.model
    try expectSameTensors(source, back)
    let type = back.checkpoint.values.first { $0.key == "general.file_type" }?.value.json
    #expect(type == 7)
    #expect(throws: (any Error).self, "rounding loses values") {
      try convert(wide, to: "gguf-qwen35", "lossy") { $0.cast = .q8Zero }
    }
  }

  @Test func rowsThatFillNoBlocksAreF16() throws {
    let source = try opened(Fixtures.path("huggingface/qwen3_5/text-bf16"))
    let there = try convert(source, to: "gguf-qwen35", "there") {
      $0.cast = .q8Zero
      $0.allowsLoss = true
    }.model
    for tensor in there.checkpoint.tensors where tensor.shape.count > 1 && tensor.type != .f32 {
      #expect((tensor.type == .q8Zero) == (tensor.shape[1] % 32 == 0), "\(tensor.name)")
    }
    #expect(there.checkpoint.tensors.contains { $0.type == .q8Zero })
  }

  @Test func blocksBecomeGroupsOutsideGGUF() throws {
    let source = try opened(Fixtures.path("gguf/qwen35-q8_0.gguf"))
    let there = try convert(source, to: "qwen3_5", "there").model
    #expect(there.checkpoint.tensors.contains { $0.packed != nil })
  }

  /// A copy keeps every value of the metadata; one in several files says so in each.
  @Test func copiesKeepTheirMetadata() throws {
    let source = try opened(Fixtures.path("gguf/qwen35-q8_0.gguf"))
    let copy = try convert(source, to: "gguf-qwen35", "copy").model
    try expectSameTensors(source, copy)
    #expect(copy.checkpoint.values.map(\.key) == source.checkpoint.values.map(\.key))
    #expect(copy.checkpoint.values.map(\.value) == source.checkpoint.values.map(\.value))
    let split = try convert(source, to: "gguf-qwen35", "split") { $0.maximumShardSize = 100_000 }
    #expect(split.plan.shards.count > 2 && !split.plan.writesIndex)
    #expect(split.plan.config == split.model.checkpoint.configBytes)
    try expectSameTensors(source, split.model)
  }

  /// The files that transformers saves say what llama.cpp's converter writes.
  @Test func tokenizersAreThoseOfLlama() throws {
    let source = try opened(Fixtures.path("gguf/qwen35moe-bf16.gguf"))
    let there = try convert(source, to: "qwen3_5_moe", "there")
    #expect(there.plan.dropped.contains { $0.name == "tokenizer.ggml.merges" })
    for name in ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"] {
      try scratch.write("there/\(name)", Fixtures.bytes("gguf/tokenizer/\(name)"))
    }
    let back = try convert(opened(scratch.path.appending("there")), to: "gguf-qwen35moe", "back")
    let expected = source.checkpoint.values.filter { $0.key.hasPrefix("tokenizer.") }
    let found = back.model.checkpoint.values.filter { $0.key.hasPrefix("tokenizer.") }
    #expect(Set(found.map(\.key)) == Set(expected.map(\.key)))
    for (key, value) in expected {
      #expect(found.first { $0.key == key }?.value == value, "\(key)")
    }
    #expect(!back.plan.dropped.contains { $0.name == "tokenizer" })
  }

  @Test(arguments: [
    (#""type":"BPE""#, #""type":"Unigram""#, "model type \"Unigram\""),
    (#"\\p{N}|"#, #"\\p{N}+|"#, "how tokenizer.json cuts words"),
    (#""ByteLevel""#, #""Metaspace""#, "pre_tokenizer \"Sequence\""),
  ])
  func otherTokenizersAreReported(from: String, to: String, reason: String) throws {
    let source = try opened(Fixtures.path("gguf/qwen35moe-bf16.gguf"))
    _ = try convert(source, to: "qwen3_5_moe", "there")
    let text = String(
      decoding: try Fixtures.bytes("gguf/tokenizer/tokenizer.json"), as: UTF8.self)
    let compact = try JSONValue(parsing: Array(text.utf8)).text(indent: 0)
    #expect(compact.contains(from))
    try scratch.write("there/tokenizer.json", compact.replacing(from, with: to).utf8)
    let back = try convert(opened(scratch.path.appending("there")), to: "gguf-qwen35moe", "back")
    let found = back.plan.dropped.first { $0.name == "tokenizer" }?.reason
    #expect(found == "llama.cpp has no words for \(reason)")
    let kept = back.model.checkpoint.values.filter { $0.key.hasPrefix("tokenizer.") }
    #expect(kept.map(\.key) == ["tokenizer.ggml.model"] && kept[0].value.text == "none")
  }

  @Test func predictionCanBeDropped() throws {
    let source = try opened(Fixtures.path("gguf/qwen35-q8_0.gguf"))
    #expect(source.configuration.predictionLayers == 1)
    let copy = try convert(source, to: "gguf-qwen35", "copy") { $0.dropsMTP = true }
    let config = copy.model.checkpoint.config
    #expect(config?["qwen35.block_count"] == 3 && copy.model.configuration.predictionLayers == 0)
    #expect(config?["qwen35.attention.recurrent_layers"] == [true, false, true])
    let dropped = copy.plan.dropped.filter { $0.reason == "--mtp drop" }
    #expect(dropped.count == 15 && dropped.allSatisfy { $0.name.hasPrefix("blk.3.") })
    #expect(copy.model.checkpoint.tensors.allSatisfy { !$0.name.hasPrefix("blk.3.") })
  }

  /// Models that llama.cpp would refuse or misread are not written, and the fact is named.
  @Test(arguments: [
    ("huggingface/qwen3_5_moe/text-f32", "gguf-qwen35moe", "gdn.k_head_dim={gdn.v_head_dim}"),
    ("huggingface/qwen3_5/text-bf16", "gguf-qwen35moe", "mlp"),
    ("huggingface/olmo_hybrid/bf16", "gguf-qwen35", "gdn.negative_eigenvalues"),
    ("lm-engine/gdn-hybrid", "gguf-qwen35", "gdn.gate"),
  ])
  func whatCannotBeHeldIsRefused(fixture: String, layout: String, fact: String) throws {
    let source = try opened(Fixtures.path(fixture))
    let error = try #require(throws: (any Error).self) { try convert(source, to: layout, "no") }
    let problems = error.asProblems
    #expect(problems.allSatisfy { $0.kind == .unsupported })
    #expect(problems.contains { $0.what.hasSuffix(": \(fact)") || $0.expected == fact })
  }
}
