import Diagnostics

/// Classes of other libraries that tell what a pickle is.
enum ForeignClass {
  /// Modules, or functions of one, by how their full names begin.
  private static let known: [(module: String, what: String, remedy: String)] = [
    (
      "torch.distributed._shard.",
      "the tensors are shards of one rank (ShardedTensor, as the first FSDP saves them)",
      RankShards.merging
    ),
    (
      "torch.distributed.", "the tensors are shards of one rank (DTensor, as FSDP saves them)",
      RankShards.merging
    ),
    (
      "torchao.", "the tensors are packed by torchao",
      "take the checkpoint it was quantised from, or dequantise it with torchao and save it again"
    ),
    (
      "torch._utils._rebuild_qtensor.",
      "the tensors are quantised by torch (torch.qint8 and the like)",
      "call dequantize() on each tensor in torch and save the state dict again"
    ),
    (
      "deepspeed.", "the file is the state of a DeepSpeed rank",
      "put the weights together with zero_to_fp32.py, which DeepSpeed writes beside them"
    ),
    (
      "megatron.", "the file is a checkpoint of a Megatron rank",
      "export the model with the tools of Megatron"
    ),
    (
      "transformers.training_args", "the file holds the arguments of a trainer, no weights",
      "give the weights that lie beside it"
    ),
  ]

  /// How many bytes after the name of a function of torch are searched for the class that is its argument.
  /// - Units: bytes.
  private static let reach = 256

  /// The refusal of a pickle that needs such a class, or a function of torch that is about to be called
  /// with one; nil for what tells nothing.
  /// - Parameter rest: the pickle from behind the name on.
  static func problem(
    module: String, name: String, offset: Int, before rest: Slice<UnsafeRawBufferPointer>
  )
    -> Problem?
  {
    let near = module.hasPrefix("torch._") ? Array(rest.prefix(reach)) : []
    let found = known.first {
      "\(module).\(name).".hasPrefix($0.module) || !near.ranges(of: Array($0.module.utf8)).isEmpty
    }
    return found.map {
      Problem(
        .unsupported, $0.what, expected: "whole tensors and plain values",
        found: "\(module).\(name) at offset \(offset)", remedy: $0.remedy)
    }
  }
}
