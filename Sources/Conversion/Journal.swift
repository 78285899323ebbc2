import Containers
import Diagnostics
import JSON
import SystemPackage
import Tensors

/// The list of finished weight files of an unfinished conversion: who writes it, then a line of JSON
/// for each file.
struct Journal {
  /// What is written.
  let identity: RunIdentity
  /// The finished files, in the order in which they were finished.
  let shards: [WrittenShard]

  private static let limit = 1 << 30

  /// Reads a journal; nil where its writer was stopped before it said who it was. A line that is not
  /// whole belongs to a file that is not finished.
  init?(_ path: FilePath) throws {
    let lines = try MappedFile.readAll(path, limit: Self.limit).split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let whole = lines.dropLast().map { try? JSONValue(parsing: Array($0)) }
    guard let first = whole.first ?? nil, let identity = RunIdentity(first) else { return nil }
    self.identity = identity
    shards = whole.dropFirst().compactMap { $0.flatMap(WrittenShard.init) }
  }
}

/// Writes a journal line by line, each on the disk before anything else is done.
final class JournalWriter: Sendable {
  private let file: AppendedFile

  /// Begins a journal with the files that are finished already.
  init(_ path: FilePath, _ identity: RunIdentity, _ shards: [WrittenShard]) throws {
    file = try AppendedFile(path)
    let lines = [identity.json] + shards.map(\.json)
    try file.replace(Self.text(lines))
  }

  /// Adds a file that is finished and on the disk.
  func add(_ shard: WrittenShard) throws { try file.append(Self.text([shard.json])) }

  private static func text(_ lines: [JSONValue]) -> [UInt8] {
    Array(lines.map { $0.text(indent: 0) + "\n" }.joined().utf8)
  }
}
