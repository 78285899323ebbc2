import Containers
import Layouts
import Opening

extension CheckpointPlan {
  /// Plans a repair: files in which nothing changes are cloned, in the others every tensor that is not
  /// mended keeps its bytes and its place.
  /// - Throws: `Problem` where the files cannot be written.
  init(repairing repair: Repair, allowsCode: Bool) throws {
    let source = repair.source
    let packed = Set(source.packing?.schemes.flatMap(\.weights) ?? [])
    let scaled = source.binding.tensors.filter { $0.scales != nil }.map(\.name)
    let (config, programs) = try Self.config(
      source, source.configuration, source.binding, quantised: scaled + packed,
      allowsCode: allowsCode)
    let beside = try TravellingFiles(
      source.checkpoint, allowsCode: allowsCode, keepsRecordings: false, stale: source.leftover)
    let strays = Set(source.extra.map(\.name))
    self.init(
      source: source, layout: source.layout.id, container: source.checkpoint.container,
      shards: source.stored.shards.map { Self.shard($0, repair, without: strays) },
      writesIndex: source.checkpoint.hasIndex, config: config, sidecars: beside.files,
      code: source.layout.code(for: source.configuration),
      dropped: source.extra.map { LeftOut($0.name, $0.kind) } + programs + beside.dropped
        + source.checkpoint.leftBehind)
    layoutFile = source.layout.record
    notes = source.layout.notes(source.configuration, widened: 0)
    try checkFiles()
  }

  private static func shard(
    _ shard: StoredCheckpoint.Shard, _ repair: Repair, without strays: Set<String>
  ) -> Shard {
    let kept = shard.tensors.filter { !strays.contains($0.name) }
    let source = repair.source.checkpoint
    let isUnchanged =
      kept.count == shard.tensors.count && !kept.contains { repair.tensors[$0.name] != nil }
      && shard.content.ignored.isEmpty && source.takenOff.isEmpty && !repair.mendsMetadata
      && source.weightFiles.contains(shard.fileName)
    return Shard(
      fileName: shard.fileName,
      tensors: kept.map { tensor in
        repair.tensors[tensor.name].map { Tensor($0, rule: .mended) }
          ?? Tensor(tensor, rule: .copied)
      }, clone: isUnchanged ? source.path(shard.fileName) : nil,
      metadata: repair.mendsMetadata
        ? repair.metadata(of: shard.content.metadata) : shard.content.metadata,
      values: shard.content.values)
  }
}

extension Repair {
  /// The metadata of a file with what files of the layout say.
  fileprivate func metadata(of stored: [(key: String, value: String)])
    -> [(key: String, value: String)]
  {
    let own = source.layout.metadata
    return stored.filter { pair in !own.contains { $0.key == pair.key } } + own.map { ($0, $1) }
  }
}
