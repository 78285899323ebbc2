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
  /// - Throws: `Problem` of kind `missing` with all parts that were not written or did not come to their end,
  ///   `invalid` with all files that are not as they were written, `exists` where the parts are other
  ///   conversions.
  /// - Cost: reads all files once.
  mutating func collect(_ progress: @Sendable (Int) -> Void) throws {
    guard let identity else { return }
    let journals = try journals()
    for (share, journal) in journals {
      if let journal, let difference = identity.differences(from: journal.identity).first {
        throw mismatch("part \(share.number) of \(share.count)", "the same conversion", difference)
      }
    }
    try Problem.throwIfAny(missing(journals))
    var damaged: [Problem] = []
    for (share, journal) in journals {
      damaged += try journal.map { try takeOver($0, share, progress) } ?? []
    }
    try Problem.throwIfAny(damaged)
  }

  /// What each part says of itself; nil for one that was not begun.
  private func journals() throws -> [(share: Share, journal: Journal?)] {
    let shares = try output.records().compactMap(Share.init(journalName:))
    guard let first = shares.first else {
      throw Problem(
        .missing, "no part was written", file: output.unfinished.string,
        remedy: "run graft convert --part 1/1, or without --finish")
    }
    if let other = shares.first(where: { $0.count != first.count }) {
      throw mismatch("--part", "one of \(first.count)", "one of \(other.count)")
    }
    return try Share.all(first.count).map { ($0, try journal($0)) }
  }

  /// The parts that must be run again, all of them, before any file is read.
  private func missing(_ journals: [(share: Share, journal: Journal?)]) -> [Problem] {
    let absent = journals.filter { $0.journal == nil }.map(\.share)
    let stopped = journals.filter { share, journal in
      guard let journal else { return false }
      let finished = Set(journal.shards.map(\.fileName))
      return plan.shards(of: share).contains { !finished.contains($0.fileName) }
    }.map(\.share)
    return [
      problem("parts were not written", absent, "run them, with --part I/N"),
      problem(
        "parts did not come to their end", stopped,
        "run them again with --part I/N; they go on where they stopped"),
    ].compactMap { $0 }
  }

  private func problem(_ what: String, _ shares: [Share], _ remedy: String) -> Problem? {
    guard let count = shares.first?.count else { return nil }
    let numbers = NumberRanges.text(shares.map(\.number))
    return Problem(
      .missing, "\(what): \(numbers) of \(count)", file: output.unfinished.string,
      remedy: remedy.replacing("I/N", with: "I/\(count)") + ", then --finish again")
  }

  /// - Returns: what is wrong with files.
  private mutating func takeOver(
    _ journal: Journal, _ share: Share, _ progress: @Sendable (Int) -> Void
  ) throws -> [Problem] {
    let finished = Dictionary(
      journal.shards.map { ($0.fileName, $0) }, uniquingKeysWith: { _, last in last })
    var damaged: [Problem] = []
    for shard in plan.shards(of: share) {
      guard let known = finished[shard.fileName],
        try ShardCheck(shard, of: plan, in: output, pool).holds(known)
      else {
        damaged.append(
          Problem(
            .invalid, "a file is not as it was written",
            file: output.path.appending(shard.fileName).string,
            expected: "the size and the hashes of its journal",
            remedy: "run part \(share.number) of \(share.count) again"))
        continue
      }
      written[shard.fileName] = known
      progress(shard.byteCount)
    }
    return damaged
  }
}
