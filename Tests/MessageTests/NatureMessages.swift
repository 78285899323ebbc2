import Containers
import Foundation
import GraftTestSupport
import JSON
import Opening
import SystemPackage

extension MessageSection {
  /// Files and directories that are something else than the weights of a model.
  static let natures = MessageSection(
    "Something else than a model",
    [
      .init("a pointer of Git LFS in place of the weights") {
        try $0.replaced("model.safetensors", pointer.utf8)
      },
      .init("a pointer of Git LFS in place of a config") {
        try $0.replaced("config.json", pointer.utf8)
      },
      .init("a pointer of git-annex") {
        try $0.replaced("model.safetensors", "/annex/objects/SHA256E-s53--ab.safetensors\n".utf8)
      },
      .init("a web page in place of the weights") {
        try $0.replaced(
          "model.safetensors", "<!DOCTYPE html>\n<html><head><title>404</title></head></html>".utf8)
      },
      .init("the answer of a server in place of the weights") {
        try $0.replaced(
          "model.safetensors", "<?xml version=\"1.0\"?><Error>AccessDenied</Error>".utf8)
      },
      .init("an error of a server in place of the weights") {
        try $0.replaced("model.safetensors", #"{"error": "Access is restricted"}"#.utf8)
      },
      .init("a download that did not come to an end") {
        try $0.replaced("model.safetensors", [UInt8](repeating: 0, count: 100))
      },
      .init("weights under the extension of another container") { shop in
        let bytes = try Fixtures.bytes("gguf/qwen35-q8_0.gguf")
        return try shop.replaced("model.safetensors", bytes)
      },
      .init("a compressed file") { try $0.stored("model.safetensors", [0x1f, 0x8b, 8, 0]) },
      .init("an HDF5 file") { try $0.stored("model.h5", [0x89] + "HDF\r\n".utf8) },
      .init("a pickle in place of the weights") {
        try $0.stored("model.safetensors", [0x80, 2, 0x7d, 0x2e])
      },
      .init("a single array of numpy") { try $0.stored("weights.npy", [0x93] + "NUMPY".utf8) },
      .init("a file of ggml of the time before GGUF") {
        try $0.stored("model.gguf", Array("tjgg".utf8) + [1, 0, 0, 0])
      },
      .init("a link into a cache whose blob is gone") {
        try $0.opened("options/gdn-small") {
          try $0.remove("model.safetensors")
          try FileManager.default.createSymbolicLink(
            atPath: $0.path.appending("model.safetensors").string,
            withDestinationPath: "../../blobs/3f1c")
        }
      },
      .init("a directory with an adapter alone") {
        try $0.directory("adapter_config.json", "adapter_model.safetensors")
      },
      .init("an adapter in a file") { shop in
        try shop.named("model.layers.0.q_proj.lora_A.weight", "model.layers.0.q_proj.lora_B.weight")
      },
      .init("an adapter that is not merged") { shop in
        try shop.named("model.q_proj.base_layer.weight", "model.q_proj.lora_A.weight")
      },
      .init("an adapter in GGUF") { try $0.gguf([text("general.type", "adapter")]) },
      .init("a projector in GGUF") { try $0.gguf([text("general.architecture", "clip")]) },
      .init("an importance matrix in GGUF") { try $0.gguf([text("general.type", "imatrix")]) },
      .init("a control vector in GGUF") {
        try $0.gguf([text("general.architecture", "controlvector")])
      },
      .init("a vocabulary in GGUF") { try $0.gguf([text("general.architecture", "llama")], []) },
      .init("a file of recorded logits as a model") {
        let path = "fixtures/options/gdn-small"
        return try $0.graft("verify", path, path + "/reference.safetensors")
      },
      .init("a file of tokens as a model") { try $0.named("input_ids") },
      .init("a directory as a reference") {
        let path = "fixtures/options/gdn-small"
        return try $0.graft("verify", path, "--reference", path)
      },
      .init("a text as a reference") {
        let path = "fixtures/options/gdn-small"
        return try $0.graft("verify", path, "--reference", path + "/config.json")
      },
      .init("files of ranks under other names") { try $0.directory("rank0.pt", "rank1.pt") },
      .init("one file of a rank of FSDP") {
        try $0.pickle("torch.distributed.tensor.placement_types", "_MaskPartial")
      },
      .init("one file of a rank of the first FSDP") {
        try $0.pickle("torch.distributed._shard.sharded_tensor.api", "ShardedTensor")
      },
      .init("tensors that torchao packed") {
        try $0.pickle("torchao.dtypes", "AffineQuantizedTensor")
      },
      .init("tensors that torch quantised") {
        try $0.pickle("torch._utils", "_rebuild_qtensor")
      },
      .init("files of the ranks of DeepSpeed") {
        try $0.directory("zero_pp_rank_0_mp_rank_00_model_states.pt", "zero_to_fp32.py")
      },
      .init("the state of a rank of DeepSpeed") { try $0.pickle("deepspeed.runtime.zero", "X") },
      .init("a checkpoint of a rank of Megatron") { try $0.pickle("megatron.core.enums", "X") },
      .init("the arguments of a trainer") {
        try $0.pickle("transformers.training_args", "TrainingArguments")
      },
      .init("files of ranks in the form of the hub") {
        try $0.directory("shard-00001-model.safetensors", "shard-00002-model.safetensors")
      },
      .init("one file of a rank in the form of the hub") { shop in
        var file = PlainCheckpointFile([.init("model.norm.weight", [1], [1])])
        file.metadata = ["DCP_SHARDING_INFO": "{}"]
        return try shop.opened(shop.file("model.safetensors", file.bytes))
      },
      .init("pieces of a distributed checkpoint alone") { try $0.directory("__0_0.distcp") },
      .init("the folder of a download cache") {
        try $0.directory(folders: ["blobs", "snapshots"])
      },
      .init("downloads that did not come to an end") {
        try $0.directory("model.safetensors.incomplete")
      },
      .init("a folder of checkpoints") { try $0.directory(folders: ["checkpoint-500"]) },
      .init("the state of a trainer alone") { try $0.directory("optimizer.pt", "scheduler.pt") },
      .init("a shard that is missing, without an index") { shop in
        try shop.opened("options/f32-sharded") {
          try $0.remove("model.safetensors.index.json")
          try $0.remove("model-00004-of-00005.safetensors")
        }
      },
      .init("one shard of several") { shop in
        try shop.model("options/f32-sharded")
        return try shop.graft("inspect", "model/model-00002-of-00005.safetensors")
      },
    ])

  private static let pointer = """
    version https://git-lfs.github.com/spec/v1
    oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
    size 5368709120

    """

  private static func text(_ key: String, _ value: String) -> [UInt8] {
    GGUFLiteral.value(key, 8, GGUFLiteral.text(value))
  }
}

extension Workshop {
  /// Opens a tiny model in which one file has other bytes.
  fileprivate func replaced(_ name: String, _ bytes: some Sequence<UInt8>) throws -> Message {
    try opened("options/gdn-small") { try $0.write(name, bytes) }
  }

  fileprivate func stored(_ name: String, _ bytes: some Sequence<UInt8>) throws -> Message {
    let path = try file(name, bytes)
    return try thrown { try StoredCheckpoint.open(path) }
  }

  /// Opens a directory of empty files and folders of these names.
  func directory(_ names: String..., folders: [String] = []) throws -> Message {
    let path = folder.path.appending("model")
    for name in [""] + folders {
      try FileManager.default.createDirectory(
        atPath: path.appending(name).string, withIntermediateDirectories: true)
    }
    for name in names { try file("model/" + name, []) }
    return try thrown { try StoredCheckpoint.open(path) }
  }

  /// Opens a file with tensors of these names and nothing beside it.
  fileprivate func named(_ names: String...) throws -> Message {
    let tensors = names.map { PlainCheckpointFile.Tensor($0, [1], [1]) }
    return try opened(file("some.safetensors", PlainCheckpointFile(tensors).bytes))
  }

  /// Opens a GGUF file with other metadata.
  fileprivate func gguf(_ values: [[UInt8]], _ tensors: [[UInt8]]? = nil) throws -> Message {
    var literal = GGUFLiteral()
    literal.values = values
    if let tensors { (literal.tensors, literal.data) = (tensors, []) }
    return try opened(file("some.gguf", literal.bytes))
  }

  /// Opens a file of torch whose pickle needs a class.
  fileprivate func pickle(_ module: String, _ name: String) throws -> Message {
    let bytes = try Fixtures.bytes("containers/torch/legacy-views.pt")
    return try stored(
      "model.pt",
      bytes.replacing(
        Array("torch._utils\n_rebuild_tensor_v2\n".utf8), with: Array("\(module)\n\(name)\n".utf8),
        maxReplacements: 1))
  }
}
