import Containers
import Diagnostics
import Foundation
import GraftTestSupport
import SystemPackage
import Tensors
import Testing

/// Checkpoints as trainers leave them, each against the plain model.
@Suite struct TrainingFormTests {
  private static let plain = "huggingface/qwen3_5/text-bf16"
  private let folder: TemporaryDirectory
  private let model: FilePath

  init() throws {
    folder = try TemporaryDirectory()
    model = folder.path.appending("model")
    try FileManager.default.createDirectory(atPath: model.string, withIntermediateDirectories: true)
    try write("config.json", Fixtures.bytes(Self.plain + "/config.json"))
  }

  private func write(_ name: String, _ bytes: some Sequence<UInt8>) throws {
    let path = model.appending(name)
    try FileManager.default.createDirectory(
      atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: path.string))
  }

  /// The tensors of the plain model under other names.
  private func tensors(_ rename: (String) -> String = { $0 }) throws -> [TensorToWrite] {
    let stored = try StoredCheckpoint.open(Fixtures.path(Self.plain)).tensors
    return stored.map { tensor in
      TensorToWrite(name: rename(tensor.name), type: tensor.type, shape: tensor.shape) { sink in
        try tensor.region.withBytes { try sink.write(Array($0)) }
      }
    }
  }

  private func save(_ name: String, _ tensors: [TensorToWrite]) throws {
    let path = model.appending(name)
    try FileManager.default.createDirectory(
      atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
    try Container.torch.write(tensors, metadata: [], to: path)
  }

  private func expectPlain(_ source: FilePath? = nil) throws {
    let out = folder.path.appending("out")
    expectSuccess(
      try convert(source ?? model, out, "--container", "safetensors", "--no-manifest"))
    try expectSameTensors(out, Fixtures.path(Self.plain))
  }

  /// The whole model in a file of DeepSpeed, whose optimizer is divided among the ranks.
  @Test func moduleStatesOfDeepSpeed() throws {
    try save("mp_rank_00_model_states.pt", tensors { "module." + $0 })
    try write("bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt", [0x80, 2, 0x4e, 0x2e])
    try expectPlain()
    try save("mp_rank_01_model_states.pt", tensors())
    expectRefusal(try GraftCommand.run(["inspect", model.string]), 66, ["DeepSpeed"])
  }

  @Test func universalCheckpointOfDeepSpeed() throws {
    for tensor in try tensors() { try save("zero/\(tensor.name)/fp32.pt", [tensor.named("param")]) }
    try write("zero/optimizer_state.pt", [0x80, 2, 0x4e, 0x2e])
    try write("mp_rank_00_model_states.pt", [0x80, 2, 0x4e, 0x2e])
    try expectPlain()
    #expect(
      try GraftCommand.run(["inspect", model.string]).output.contains("exp_avg.pt"))
    try FileManager.default.removeItem(
      atPath: model.appending("zero/model.norm.weight/fp32.pt").string)
    expectRefusal(
      try GraftCommand.run(["inspect", model.string]), 66, ["model.norm.weight/fp32.pt"])
  }

  /// The trainer keeps what is no weight in a directory of its own.
  @Test func theConfigLiesBelowFilesOfRanks() throws {
    try save("model_world_size_1_rank_0.pt", tensors())
    try write("extra_state_world_size_1_rank_0.pt", [0x80, 2, 0x4e, 0x2e])
    try write("huggingface/config.json", Fixtures.bytes(Self.plain + "/config.json"))
    try FileManager.default.removeItem(atPath: model.appending("config.json").string)
    try expectPlain()
    let report = try GraftCommand.run(["inspect", model.string]).output
    #expect(report.contains("state of training, not read: extra_state_world_size_1_rank_0.pt"))
  }

  @Test(arguments: [
    "net.", "_forward_module.model.", "module.module.", "app.model.", "base_model.model.",
    "model._orig_mod.module.",
  ])
  func namesInsideAModuleOfTheTrainer(_ prefix: String) throws {
    try save("pytorch_model.bin", tensors { prefix + $0 })
    try expectPlain()
  }

  @Test func wrappersAnywhereInNames() throws {
    let all = try tensors { name in
      name.replacing("model.layers.0.", with: "model.layers.0._checkpoint_wrapped_module.")
        .replacing("mlp.", with: "mlp._fsdp_wrapped_module.module.")
    }
    try save("pytorch_model.bin", all)
    try expectPlain()
  }

  /// Where a wrapper took a tensor away, an empty one stays: of no elements, or of no type.
  @Test(arguments: [true, false]) func emptyTensorsInPlaceOfOthers(_ isTyped: Bool) throws {
    let copy = try EditableCheckpoint(Self.plain)
    try copy.editWeights { file in
      for index in file.tensors.indices where file.tensors[index].name.hasSuffix("A_log") {
        let name = file.tensors[index].name
        file.tensors[index].name.replace("A_log", with: "_fp32_params.A_log")
        file.tensors.append(.init(name, isTyped ? "F32" : "", isTyped ? [0] : [], []))
      }
    }
    try expectPlain(copy.path)
    try copy.editWeights {
      $0.tensors.removeAll { $0.name.hasSuffix("0.linear_attn._fp32_params.A_log") }
    }
    try copy.expectRefused(65, "model.layers.0.linear_attn.A_log")
  }

  @Test func aDirectoryOfATrainerThatHoldsOneOfPieces() throws {
    let pieces = Fixtures.path("containers/dcp/lm-engine")
    for name in EditableCheckpoint.names(in: pieces) where name != "config.json" {
      try write("pytorch_model_fsdp_0/" + name, Fixtures.contents(pieces.appending(name)))
    }
    try write("config.json", Fixtures.contents(pieces.appending("config.json")))
    try write("optimizer_0/.metadata", [])
    let out = folder.path.appending("out")
    expectSuccess(try convert(model, out, "--container", "safetensors", "--no-manifest"))
    try expectSameTensors(out, Fixtures.path("options/gdn-small"))
  }

  /// Shards of ranks tell nothing of a rank all of whose files are missing, but the config does.
  @Test func aLastRankThatIsMissing() throws {
    let info = try tensors().map { tensor in
      "\"\(tensor.name)\":{\"saved_offsets\":\(tensor.shape.map { _ in 0 })}"
    }
    func saveShard(_ change: (TensorToWrite) -> TensorToWrite) throws {
      let path = model.appending("shard-00001-model-00001-of-00001.safetensors")
      try? FileManager.default.removeItem(atPath: path.string)
      try Container.safetensors.write(
        tensors().map(change),
        metadata: [(RankShards.metadataKey, "{\(info.joined(separator: ","))}")], to: path)
    }
    try saveShard { $0 }
    try expectPlain()
    try saveShard { tensor in
      guard tensor.name == "model.norm.weight" else { return tensor }
      return TensorToWrite(name: tensor.name, type: tensor.type, shape: [32]) {
        try $0.write([UInt8](repeating: 0, count: 64))
      }
    }
    expectRefusal(try GraftCommand.run(["inspect", model.string]), 65, ["files of all ranks"])
  }
}

extension TensorToWrite {
  /// The same tensor under another name.
  fileprivate func named(_ name: String) -> TensorToWrite {
    TensorToWrite(name: name, type: type, shape: shape, produce: produce)
  }
}
