import Diagnostics
import Tensors

/// One file inside a zip archive, found and checked but not read.
struct ZipEntry {
  /// The name inside the archive.
  let name: String
  /// Whether the bytes are compressed by deflate; otherwise they are stored as they are.
  let isDeflated: Bool
  /// The place of the stored bytes in the archive.
  let range: Range<Int>
  /// The size of the content.
  /// - Units: bytes.
  let size: Int
  /// The CRC-32 of the content.
  let checksum: UInt32
  private let archive: any ByteStorage

  init(
    _ archive: any ByteStorage, name: String, isDeflated: Bool, range: Range<Int>, size: Int,
    checksum: UInt32
  ) {
    self.archive = archive
    self.name = name
    self.isDeflated = isDeflated
    self.range = range
    self.size = size
    self.checksum = checksum
  }

  /// The content: a range of the archive, or bytes that are decompressed whenever they are needed.
  /// - Throws: `Problem` of kind `invalid` where compressed bytes are not what they should be.
  /// - Cost: nothing for stored entries, one pass over the content for compressed ones.
  func content() throws -> ByteRegion {
    let stored = ByteRegion(archive, range)
    guard isDeflated else { return stored }
    let inflated = InflatedBytes(stored, count: size)
    let found = try inflated.checkedSum()
    guard found == checksum else { throw damage(found) }
    return ByteRegion(inflated)
  }

  /// The content, and what checks it as it is read; nil for content that was checked already.
  /// - Throws: `Problem` of kind `invalid` where compressed bytes are not what they should be.
  func checkedContent() throws -> (content: ByteRegion, check: Checksum?) {
    guard !isDeflated else { return (try content(), nil) }
    let check = Checksum(name: name, region: ByteRegion(archive, range), value: checksum)
    return (ByteRegion(check), check)
  }

  /// The first bytes of the content.
  /// - Throws: `Problem` of kind `invalid` where compressed bytes are damaged.
  func prefix(_ count: Int) throws -> [UInt8] {
    let stored = ByteRegion(archive, range)
    return try stored.withBytes { bytes in
      guard isDeflated else { return Array(bytes.prefix(count)) }
      let buffer = OwnedBytes(count: count)
      var stream = try InflateStream(bytes)
      return Array(try stream.next(buffer.mutableBytes) ?? .init(start: nil, count: 0))
    }
  }

  /// The whole content of a small entry.
  /// - Throws: `Problem` of kind `invalid` where it is larger than `limit` or damaged.
  func bytes(limit: Int) throws -> [UInt8] {
    guard size <= limit else {
      throw Problem(
        .invalid, "the entry \(name) of the archive is too large for what it should be",
        expected: "at most \(limit) bytes", found: "\(size) bytes")
    }
    let (content, check) = try checkedContent()
    try check?.check()
    return try content.withBytes { Array($0) }
  }

  private func damage(_ found: UInt32) -> Problem {
    Checksum.damage(name, expected: checksum, found: found)
  }
}
