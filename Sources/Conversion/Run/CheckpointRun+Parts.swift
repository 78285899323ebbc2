import Diagnostics

extension CheckpointRun {
  /// Refuses to mix parts of different conversions, or of different numbers of parts.
  /// - Throws: `Problem` of kind `exists`; what others wrote must stay.
  func checkParts() throws {
    for other in try output.records().compactMap(Share.init(journalName:)) {
      guard other.count == options.share.count else {
        throw mismatch(
          "--part", "one of \(options.share.count)", "one of \(other.count), part \(other.number)")
      }
      guard options.share != .whole, let identity, let theirs = try journal(other)?.identity,
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

  /// Takes over what all parts wrote.
  /// - Throws: `Problem` of kind `missing` for a part or a file that is not finished, `invalid` for one
  ///   that is not as it was written, `exists` where the parts are other conversions.
  /// - Cost: reads all files once.
  mutating func collect(_ progress: @Sendable (Int) -> Void) throws {
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
      try takeOver(journal, share, progress)
    }
  }

  private mutating func takeOver(
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
