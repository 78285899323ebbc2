import Diagnostics
import SystemPackage
import Tensors

/// The tokens of a `tiktoken.model`, in the order of their ranks, which are also their numbers.
///
/// ```
/// IQ== 0
/// Ig== 1
/// ```
/// Each line has the bytes of a token as base64 and its rank. Neighbours in a word are merged where their bytes
/// together are a token, the one of the lowest rank first.
///
/// Source: `tiktoken/load.py`.
struct RankedTokens {
  /// The bytes of each token by its rank.
  let tokens: [[UInt8]]

  /// The largest file that is read; that of Kimi has 3 MB.
  /// - Units: bytes.
  private static let limit = 16 << 20
  /// The longest token; those of Kimi have up to 128 bytes.
  /// - Units: bytes.
  private static let longest = 1024

  /// Reads a file.
  /// - Throws: `Problem` of kind `missing`, `io`, `invalid` where a line has another form, or tokens or ranks
  ///   are there twice or left out, `unsupported` for tokens that are too long.
  init(_ path: FilePath) throws {
    let bytes = try MappedFile.readAll(path, limit: Self.limit)
    self = try locating(.file(path.string)) { try RankedTokens(parsing: bytes) }
  }

  init(parsing bytes: [UInt8]) throws {
    var ranked: [(rank: Int, token: [UInt8])] = []
    // Line by line, because a list of many empty lines would take far more memory than the file.
    var (rest, number) = (bytes[...], 0)
    while !rest.isEmpty {
      var line = rest.prefix { $0 != UInt8(ascii: "\n") }
      (rest, number) = (rest.dropFirst(line.count + 1), number + 1)
      if line.last == UInt8(ascii: "\r") { line.removeLast() }
      if !line.isEmpty { ranked.append(try Self.entry(line, number: number)) }
    }
    tokens = try Self.ordered(ranked)
  }

  private static func entry(_ line: ArraySlice<UInt8>, number: Int) throws -> (Int, [UInt8]) {
    let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
    guard parts.count == 2, let token = Base64.bytes(of: parts[0]), !token.isEmpty,
      let rank = Int(String(decoding: parts[1], as: UTF8.self)), rank >= 0
    else {
      throw Problem(
        .invalid, "a line is no token with its rank", expected: "base64, a space and a number",
        found: "line \(number): \(String(decoding: line.prefix(60), as: UTF8.self))")
    }
    guard token.count <= longest else {
      throw TokenizerObstacle.excess(
        "a token", expected: "at most \(longest) bytes",
        found: "\(token.count) bytes in line \(number)")
    }
    return (rank, token)
  }

  /// The tokens by rank, where ranks are the numbers from 0 on and no token is there twice.
  private static func ordered(_ ranked: [(rank: Int, token: [UInt8])]) throws -> [[UInt8]] {
    let ranked = ranked.sorted { $0.rank < $1.rank }
    for (rank, entry) in ranked.enumerated() where rank != entry.rank {
      let isTwice = entry.rank < rank
      throw Problem(
        .invalid, "the ranks of tokens are not the numbers from 0 on", expected: "\(rank)",
        found: isTwice ? "\(entry.rank) for a second time" : "\(entry.rank)")
    }
    var known: [[UInt8]: Int] = [:]
    for (rank, token) in ranked {
      guard let other = known.updateValue(rank, forKey: token) else { continue }
      throw Problem(
        .invalid, "two ranks have one token", found: "\(other) and \(rank)")
    }
    return ranked.map(\.token)
  }
}
