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
  init?(_ place: FilePlace) throws {
    let lines = try Self.bytes(place).split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let whole = lines.dropLast().map { try? JSONValue(parsing: Array($0)) }
    guard let first = whole.first ?? nil, let identity = RunIdentity(first) else { return nil }
    self.identity = identity
    shards = whole.dropFirst().compactMap { $0.flatMap(WrittenShard.init) }
  }

  private static func bytes(_ place: FilePlace) throws -> [UInt8] {
    let file = try place.mapped()
    return withExtendedLifetime(file) { file.count <= limit ? Array(file.bytes) : [] }
  }
}

/// Writes a journal line by line, each on the disk before anything else is done.
final class JournalWriter: Sendable {
  private let file: AppendedFile

  /// Takes a journal for this process; what is in it stays.
  /// - Throws: `Problem` of kind `exists` where another process has it.
  init(_ place: FilePlace) throws { file = try AppendedFile(place) }

  /// Begins it anew with the files that are finished already.
  func begin(_ identity: RunIdentity, _ shards: [WrittenShard]) throws {
    let lines = [identity.json] + shards.map(\.json)
    try file.replace(Self.text(lines))
  }

  /// Adds a file that is finished and on the disk.
  func add(_ shard: WrittenShard) throws { try file.append(Self.text([shard.json])) }

  private static func text(_ lines: [JSONValue]) -> [UInt8] {
    Array(lines.map { $0.text(indent: 0) + "\n" }.joined().utf8)
  }
}
