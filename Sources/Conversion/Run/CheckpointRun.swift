import Containers
import Diagnostics
import Synchronization
import SystemPackage
import Tensors
import Threads

/// Writes a plan, or a share of it, into the directory of an unfinished output, goes on with what an
/// interrupted run left, and completes the output.
public struct CheckpointRun {
  /// How a run treats the output of one before.
  public enum Beginning: Hashable, Sendable {
    /// There was none.
    case new
    /// That many files were finished and are kept.
    case resumed(files: Int)
    /// It was another conversion, or none of its files was finished.
    case anew
  }

  let plan: CheckpointPlan
  let output: OutputDirectory
  let pool: ThreadPool
  /// What is known of the files that are finished.
  private(set) var written: [String: WrittenShard] = [:]
  /// How files that did not change were copied, by file name.
  private(set) var cloning: [String: FileCloning.Method] = [:]
  /// How the run began.
  public private(set) var beginning = Beginning.new
  private let identity: RunIdentity?
  private let isHashed: Bool
  private let share: Share

  /// Prepares a run.
  /// - Parameters:
  ///   - identity: what the run is; nil for one that cannot be resumed.
  ///   - isHashed: whether tensors are hashed while they are written, as runs with an identity need.
  ///   - share: what to write.
  ///   - threads: how many tensors are written at a time; 0 stands for the active cores.
  public init(
    _ plan: CheckpointPlan, into output: OutputDirectory, identity: RunIdentity? = nil,
    isHashed: Bool = false, share: Share = .whole, threads: Int = 0
  ) {
    self.isHashed = isHashed
    self.plan = plan
    self.output = output
    self.identity = identity
    self.share = share
    pool = ThreadPool(threads: threads)
  }

  /// The shards to write, in the order of the plan.
  private var own: [CheckpointPlan.Shard] {
    plan.shards.enumerated().filter { share.contains($0.offset) }.map(\.element)
  }

  /// The bytes of the tensors of the share.
  public var totalBytes: Int {
    own.reduce(0) { $0 + $1.byteCount }
  }

  /// Writes the weight files of the share that are not finished yet.
  /// - Parameter progress: called by several threads with the bytes that were written, or found.
  /// - Throws: `Problem` of kind `io`.
  /// - Cost: one pass over the tensors; finished files are read once; memory for one buffer per
  ///   thread.
  public mutating func writeShards(_ progress: @Sendable (Int) -> Void) throws {
    let left = try Left(output)
    // Before anything of the share is removed, because another process may be writing it.
    let journal = try identity.map { _ in try JournalWriter(output.record(share.journalName)) }
    let kept = try prepare(after: left)
    if let identity { try journal?.begin(identity, kept) }
    try output.announce(
      own.map(\.fileName), links: own.filter { $0.clone != nil }.map(\.fileName))
    for shard in kept { written[shard.fileName] = shard }
    for shard in own where written[shard.fileName] != nil { progress(shard.byteCount) }
    let rest = own.filter { written[$0.fileName] == nil }
    let files = rest.map { ShardFile($0, of: plan, in: output, isHashed: isHashed) }
    let tasks = files.flatMap { file in file.tasks.map { (file, $0) } }
    let stop = FirstError()
    pool.run(tasks.count) { task, _ in
      stop.run {
        let (file, tensor) = tasks[task]
        guard let shard = try file.write(tensor, progress) else { return }
        try journal?.add(shard)
      }
    }
    try stop.throwIfAny()
    for file in files {
      if let shard = file.written { written[file.shard.fileName] = shard }
      if let method = file.method { cloning[file.shard.fileName] = method }
    }
  }

  /// What was there before the run.
  private struct Left {
    let records: [String]
    let files: [String]

    init(_ output: OutputDirectory) throws {
      (records, files) = (try output.records(), try output.names())
    }
  }

  /// Removes what is of no use.
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

  private func journal(_ share: Share) throws -> Journal? {
    guard try output.records().contains(share.journalName) else { return nil }
    return try Journal(output.record(share.journalName))
  }

  /// Refuses to mix parts of different conversions, or of different numbers of parts.
  /// - Throws: `Problem` of kind `exists`; what others wrote must stay.
  public func checkParts() throws {
    for other in try output.records().compactMap(Share.init(journalName:)) {
      guard other.count == share.count else {
        throw mismatch(
          "--part", "one of \(share.count)", "one of \(other.count), part \(other.number)")
      }
      guard share != .whole, let identity, let theirs = try journal(other)?.identity,
        let difference = identity.differences(from: theirs).first
      else { continue }
      throw mismatch("part \(other.number) of \(other.count)", "the same conversion", difference)
    }
  }

  private func mismatch(_ what: String, _ expected: String, _ found: String) -> Problem {
    Problem(
      .exists, "the unfinished output is one of another conversion: \(what)",
      file: output.unfinished.string, expected: expected, found: found,
      remedy: "give the same options to all parts, or remove \(output.unfinished.string)")
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

extension CheckpointRun {
  /// Takes over what all parts wrote.
  /// - Throws: `Problem` of kind `missing` for a part or a file that is not finished, `invalid` for one
  ///   that is not as it was written, `exists` where the parts are other conversions.
  /// - Cost: reads all files once.
  public mutating func collect(_ progress: @Sendable (Int) -> Void) throws {
    guard let identity else { return }
    let shares = try output.records().compactMap(Share.init(journalName:))
    guard let count = shares.first?.count else {
      throw Problem(
        .missing, "no part was written", file: output.unfinished.string,
        remedy: "run graft convert --part 1/1, or without --finish")
    }
    for share in Share.all(count) {
      guard shares.allSatisfy({ $0.count == count }), let journal = try journal(share) else {
        throw Problem(
          .missing, "a part was not written", file: output.unfinished.string,
          expected: "part \(share.number) of \(count)", remedy: "run it, then --finish again")
      }
      if let difference = identity.differences(from: journal.identity).first {
        throw mismatch("part \(share.number) of \(count)", "the same conversion", difference)
      }
      try take(journal, share, progress)
    }
  }

  private mutating func take(
    _ journal: Journal, _ share: Share, _ progress: @Sendable (Int) -> Void
  ) throws {
    let finished = Dictionary(
      journal.shards.map { ($0.fileName, $0) }, uniquingKeysWith: { _, last in last })
    for (index, shard) in plan.shards.enumerated() where share.contains(index) {
      guard let known = finished[shard.fileName] else {
        throw Problem(
          .missing, "a file was not finished", file: output.path.appending(shard.fileName).string,
          remedy: "run part \(share.number) of \(share.count) again")
      }
      guard try ShardCheck(shard, of: plan, in: output, pool).holds(known) else {
        throw Problem(
          .invalid, "a file is not as it was written",
          file: output.path.appending(shard.fileName).string,
          expected: "the size and the hashes of its journal",
          remedy: "run part \(share.number) of \(share.count) again")
      }
      written[shard.fileName] = known
      progress(shard.byteCount)
    }
  }
}

/// The first error of several threads, after which none begins anything.
private final class FirstError: Sendable {
  private let error = Mutex<(any Error)?>(nil)

  func run(_ body: () throws -> Void) {
    guard error.withLock({ $0 == nil }) else { return }
    do { try body() } catch {
      self.error.withLock { first in if first == nil { first = error } }
    }
  }

  func throwIfAny() throws {
    if let error = error.withLock({ $0 }) { throw error }
  }
}
