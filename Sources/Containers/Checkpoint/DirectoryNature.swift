import Diagnostics

/// What a directory without weights under their usual names holds instead, judged by the names in it.
enum DirectoryNature: CaseIterable {
  case hubShards, rankFiles, zeroShards, pieces, adapter, cache, downloads, checkpoints,
    trainerState

  /// Whether a file of that name speaks for it.
  private func marks(_ name: String) -> Bool {
    let isTorch = Container.torch.extensions.contains { name.hasSuffix(".\($0)") }
    switch self {
    case .hubShards: return name.wholeMatch(of: #/shard-\d+-.*\.safetensors/#) != nil
    case .rankFiles:
      return isTorch && name.contains(#/world_size_\d|fsdp|(^|[^a-z])rank_?\d/#)
        && !Self.trainerState.marks(name) && !Self.zeroShards.marks(name)
    case .zeroShards: return name.contains(#/zero_pp_rank_\d|^mp_rank_\d|^zero_to_fp32\.py$/#)
    case .pieces: return name.hasSuffix(DistributedMetadata.suffix)
    case .adapter: return name.contains(#/^adapters?[_.]|lora/#) && !name.hasSuffix(".md")
    case .downloads: return name.contains(#/\.(incomplete|part|crdownload|aria2)$/#)
    case .trainerState:
      return name.contains(#/^(optimizer|scheduler|rng_state|training_args|trainer_state|scaler)/#)
    case .cache, .checkpoints: return false
    }
  }

  /// Whether a directory of that name speaks for it.
  private func marks(directory name: String) -> Bool {
    switch self {
    case .cache: name == "snapshots"
    case .zeroShards: name.hasPrefix("global_step")
    case .checkpoints: name.contains(#/^(checkpoint|iter|step|epoch)[-_]?\d/#)
    default: false
    }
  }

  private var what: String {
    switch self {
    case .hubShards, .rankFiles: "the weights are shards of ranks, a part of every tensor in each"
    case .zeroShards: "the weights are shards of DeepSpeed ranks"
    case .pieces:
      "the pieces of a distributed checkpoint lack their \(DistributedMetadata.fileName)"
    case .adapter: "the directory holds an adapter (LoRA or the like) and no model"
    case .cache: "the directory is a download cache, in which each snapshot is a model"
    case .downloads: "the directory holds downloads that did not come to an end"
    case .checkpoints: "the weights are in directories below"
    case .trainerState: "the directory holds the state of a trainer and no weights"
    }
  }

  private var remedy: String {
    switch self {
    case .hubShards: RankShards.consolidating
    case .rankFiles: RankShards.merging
    case .zeroShards: "put them together with zero_to_fp32.py, which DeepSpeed writes beside them"
    case .pieces: "fetch \(DistributedMetadata.fileName), which says what the pieces are"
    case .adapter: "merge it into its base: graft convert BASE OUT --adapter THIS"
    case .cache: "give one of the directories in snapshots"
    case .downloads: "fetch the files again"
    case .checkpoints: "give one of these directories"
    case .trainerState: "give the directory in which the weights are"
    }
  }

  /// The refusal of a directory by what it holds; nil where its names tell nothing.
  static func problem(_ files: [String], _ directories: [String]) -> Problem? {
    for nature in allCases {
      let found = files.filter { nature.marks($0) }
      let names = found + directories.filter { nature.marks(directory: $0) }
      guard !names.isEmpty else { continue }
      return Problem(.missing, nature.what, found: NameList.text(names), remedy: nature.remedy)
    }
    return nil
  }
}

/// What to do with files each of which holds a part of every tensor.
public enum RankShards {
  /// The key of a safetensors file's metadata by which such a file tells.
  public static let metadataKey = "DCP_SHARDING_INFO"
  /// What puts files together that torch wrote in the form of the hub.
  public static let consolidating =
    "put the ranks together with consolidate_safetensors_files of torch.distributed.checkpoint"
  /// What puts the files of an FSDP trainer together.
  static let merging =
    "merge the ranks with the tool of the trainer, such as verl.model_merger, or save a distributed checkpoint"
}
