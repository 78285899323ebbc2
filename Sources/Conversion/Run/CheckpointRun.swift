import Containers
import Diagnostics
import SystemPackage
import Tensors
import Threads

/// Writes a plan, or a share of it, into the directory of an unfinished output, goes on with what an
/// interrupted run left, and completes the output.
struct CheckpointRun {
  let plan: CheckpointPlan
  let output: OutputDirectory
  let pool: ThreadPool
  /// What is known of the files that are finished.
  var written: [String: WrittenShard] = [:]
  /// How files that did not change were copied, by file name.
  private(set) var cloning: [String: FileCloning.Method] = [:]
  /// How the run began.
  private(set) var beginning = CheckpointReport.Beginning.new
  /// What the run is; nil for one that cannot be resumed.
  let identity: RunIdentity?
  let options: WriteOptions

  /// Prepares a run.
  init(
    _ plan: CheckpointPlan, into output: OutputDirectory, _ identity: RunIdentity?,
    _ options: WriteOptions
  ) {
    (self.plan, self.output, self.identity, self.options) = (plan, output, identity, options)
    pool = ThreadPool(threads: options.threads)
  }

  /// What is written.
  private var share: Share { options.share }
  /// The weight files of the share.
  private var own: [CheckpointPlan.Shard] { plan.shards(of: share) }

  /// Writes the weight files of the share that are not finished yet.
  /// - Parameter progress: called by several threads with the bytes that were written, or found.
  /// - Throws: `Problem` of kind `io`.
  /// - Cost: one pass over the tensors; finished files are read once; memory for one buffer per
  ///   thread.
  mutating func writeShards(_ progress: @Sendable (Int) -> Void) throws {
    let left = try Left(output)
    // The lock is taken before any file of the share is removed, because another process may be writing it.
    let journal = try identity.map { _ in try JournalWriter(output.record(share.journalName)) }
    let kept = try prepare(after: left)
    if let identity { try journal?.begin(identity, kept) }
    try output.announce(
      own.map(\.fileName), links: own.filter { $0.clone != nil }.map(\.fileName))
    for shard in kept { written[shard.fileName] = shard }
    for shard in own where written[shard.fileName] != nil { progress(shard.byteCount) }
    let rest = own.filter { written[$0.fileName] == nil }
    let files = rest.map { ShardFile($0, of: plan, in: output, isHashed: options.isHashed) }
    let tasks = files.flatMap { file in file.tasks.map { (file, $0) } }
    try withoutActuallyEscaping(progress) { progress in
      try pool.runInPairs(tasks.count) { index in
        let (file, task) = tasks[index]
        let copy = try file.copy(task, progress) { try journal?.add($0) }
        if copy == nil, let shard = try file.write(task, progress) { try journal?.add(shard) }
        return copy
      }
    }
    for file in files {
      if let shard = file.written { written[file.shard.fileName] = shard }
      if let method = file.method { cloning[file.shard.fileName] = method }
    }
  }

  /// The state in which an earlier run left the output.
  private struct Left {
    let records: [String]
    let files: [String]

    init(_ output: OutputDirectory) throws {
      (records, files) = (try output.records(), try output.names())
    }
  }

  /// Removes files that no run will continue.
  /// - Returns: the files that are finished.
  private mutating func prepare(after left: Left) throws -> [WrittenShard] {
    let isNew =
      share == .whole
      ? left.records.isEmpty && left.files.isEmpty : !left.records.contains(share.journalName)
    guard let identity, let journal = try journal(share), journal.identity == identity else {
      if share == .whole {
        try output.clear(but: identity == nil ? nil : share.journalName)
      } else {
        for shard in own { try output.remove(shard.fileName) }
      }
      beginning = isNew ? .new : .anew
      return []
    }
    let kept = try finished(journal.shards)
    let names = Set(kept.map(\.fileName))
    if share == .whole {
      for name in try output.names() where !names.contains(name) { try output.remove(name) }
    } else {
      for shard in own where !names.contains(shard.fileName) { try output.remove(shard.fileName) }
    }
    beginning = kept.isEmpty ? .anew : .resumed(files: kept.count)
    return kept
  }

  func journal(_ share: Share) throws -> Journal? {
    guard try output.records().contains(share.journalName) else { return nil }
    return try Journal(output.record(share.journalName))
  }

  /// Those of the files that are as their journal says.
  /// - Cost: reads them once.
  private func finished(_ shards: [WrittenShard]) throws -> [WrittenShard] {
    let planned = Dictionary(uniqueKeysWithValues: own.map { ($0.fileName, $0) })
    return try shards.filter { shard in
      guard let shardPlan = planned[shard.fileName] else { return false }
      return try ShardCheck(shardPlan, of: plan, in: output, pool).holds(shard)
    }
  }
}
