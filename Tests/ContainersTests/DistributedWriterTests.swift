import Diagnostics
import Foundation
import GraftTestSupport
import JSON
import SystemPackage
import Tensors
import Testing

@testable import Containers

@Suite struct DistributedWriterTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// Writes two files and the metadata.
  private func write(_ tensors: [StoredTensor], under keys: StateKeys = .none) throws {
    let half = tensors.count / 2
    let files = [tensors[..<half], tensors[half...]].enumerated().map { index, tensors in
      (Container.dcp.shardName(index + 1, of: 2), tensors.map(TensorToWrite.init))
    }
    for (name, tensors) in files {
      try Container.dcp.write(tensors, metadata: [], to: folder.path.appending(name))
    }
    try folder.write(
      ".metadata",
      DistributedWriter.metadata(
        files.map { .init(name: $0, tensors: $1.map(\.header)) }, under: keys))
  }

  /// `dcp/graft` was loaded by torch under keys of a dictionary, with all tensors asked for, and found to
  /// hold what is expected; `check_container_fixtures.py` does it again.
  @Test func writesTheFilesThatTorchWasSeenToLoad() throws {
    let tensors = try ContainerFixture("torch/types.pt").expected
    try write(tensors, under: StateKeys("state/model."))
    for name in ["__0_0.distcp", "__1_0.distcp", ".metadata"] {
      let written = try MappedFile.readAll(folder.path.appending(name), limit: 1 << 20)
      if ProcessInfo.processInfo.environment["GRAFT_RECORD"] != nil {
        try Data(written).write(
          to: URL(fileURLWithPath: Fixtures.path("containers/dcp/graft/\(name)").string))
      }
      #expect(try written == Fixtures.bytes("containers/dcp/graft/\(name)"), "\(name)")
    }
  }

  @Test(arguments: ["", "model/", "state/model/", "app/model/"]) func readsWhatItWrites(
    _ keys: String
  ) throws {
    let tensors = try ContainerFixture("torch/types.pt").expected
    try write(tensors, under: keys.isEmpty ? .none : StateKeys(keys))
    let checkpoint = try StoredCheckpoint.open(folder.path)
    #expect(checkpoint.tensors.map(\.name) == tensors.map(\.name) && checkpoint.ignored.isEmpty)
    #expect(checkpoint.tensors.map(\.contents) == tensors.map(\.contents))
    #expect(checkpoint.tensors.map(\.shape) == tensors.map(\.shape))
    #expect(checkpoint.weightFiles == ["__0_0.distcp", "__1_0.distcp"])
    try checkpoint.checkPayload()
  }

  @Test func statesOfMegatronShareAPlace() throws {
    let headers = [
      TensorHeader(name: "embedding.word_embeddings.weight", type: .f32, shape: [1]),
      TensorHeader(
        name: "decoder.layers.0.self_attention.linear_qkv.weight", type: .f32, shape: [1]),
      TensorHeader(
        name: "decoder.layers.0.mlp.experts.experts.linear_fc1.weight", type: .f32,
        shape: [2, 1, 1]),
      TensorHeader(name: "decoder.layers.0.mlp.router.weight", type: .f32, shape: [2, 1]),
      TensorHeader(
        name: "decoder.layers.1.self_attention.in_proj.weight.query", type: .f32, shape: [1]),
      TensorHeader(
        name: "decoder.layers.1.self_attention.linear_attn.out_proj.weight", type: .f32, shape: [1]),
    ]
    let states = [
      "decoder.layers.0.mlp.experts.experts.linear_fc1._extra_state/shard_0_2",
      "decoder.layers.0.mlp.experts.experts.linear_fc1._extra_state/shard_1_2",
      "decoder.layers.0.self_attention.core_attention._extra_state/shard_0_1",
      "decoder.layers.0.self_attention.linear_qkv._extra_state/shard_0_1",
      "decoder.layers.1.self_attention.in_proj._extra_state/shard_0_1",
    ]
    #expect(MegatronExtraState.names(beside: headers) == states)
    #expect(MegatronExtraState.names(beside: Array(headers.dropFirst())).isEmpty)
    let bytes = try DistributedWriter.metadataOfMegatron([.init(name: "f", tensors: headers)])
    let metadata = try bytes.withUnsafeBytes { try DistributedMetadata($0) }
    #expect(metadata.entries.filter { $0.tensor == nil }.map(\.path) == states.map { [$0] })
    #expect(metadata.entries.compactMap(\.tensor).map(\.shape) == headers.map(\.shape))
    let taken = try #require(throws: Problem.self) {
      try DistributedWriter.metadataOfMegatron([
        .init(name: "f", tensors: headers + [TensorHeader(name: states[4], type: .f32, shape: [])])
      ])
    }
    #expect(taken.kind == .unsupported && taken.tensor == states[4])
  }

  /// Both tools of Megatron find the options under the names that they know.
  @Test func optionsOfAModel() throws {
    let options = MegatronOptions(
      named: [
        "num_layers": 4, "linear_attention_freq": [1, 0], "layernorm_epsilon": 1e-6,
        "num_moe_experts": 8, "max_position_embeddings": 64, "vocab_size": 96,
        "share_embeddings_and_output_weights": false,
      ], type: .bf16)
    let files = try MegatronSave.files(options)
    #expect(Set(files.map(\.name)) == MegatronSave.names)
    let yaml = try #require(
      files.first { $0.name == "run_config.yaml" }.map {
        String(decoding: $0.bytes, as: UTF8.self)
      })
    for line in [
      "  layernorm_epsilon: 1.0e-06", "  linear_attention_freq:", "    - 1", "  seq_length: 64",
      "  params_dtype:", "    _target_: \"torch.bfloat16\"", "    _call_: false",
    ] { #expect(yaml.split(separator: "\n").contains(line[...]), "\(line) in\n\(yaml)") }
    #expect(!yaml.contains("max_position_embeddings"))
    let common = try #require(files.first { $0.name == "common.pt" }?.bytes)
    let path = try folder.write("common.pt", common)
    let content = try TorchContent(MappedFile(path))
    #expect(content.heap.member("iteration", of: content.value)?.int == 0)
    let arguments = options.arguments
    #expect(arguments["num_experts"] == 8 && arguments["seq_length"] == 64)
    #expect(arguments["untie_embeddings_and_output_weights"] == true)
    #expect(arguments["bf16"] == true && arguments["padded_vocab_size"] == 96)
    #expect(try MegatronSave.files(nil).count == 3)
  }

  @Test(arguments: ["", "/x", "a//b", "a b/"]) func keysWithoutLetters(_ text: String) {
    #expect(throws: Problem.self) { try StateKeys(text) }
  }

  @Test func typesAndShapesThatTorchHasNot() throws {
    let six = TensorHeader(name: "w", type: .f6E2M3, shape: [4])
    let problem = try #require(throws: Problem.self) { try DistributedWriter.plan(of: [six]) }
    #expect(problem.kind == .unsupported && problem.tensor == "w")
    let long = TensorHeader(name: "w", type: .f32, shape: [0, Int.max, Int.max, 1])
    #expect(throws: Problem.self) { try DistributedWriter.plan(of: [long]) }
  }
}
