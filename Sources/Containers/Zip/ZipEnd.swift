import Diagnostics

/// The end of a zip archive, which says where its directory is.
struct ZipEnd {
  /// The number of entries.
  let entryCount: Int
  /// The place of the directory.
  let directory: Range<Int>

  private static let size = 22
  private static let locatorSize = 20
  private static let longestComment = 65_535

  /// Finds the end by its signature and its length, which must reach the last byte.
  /// - Throws: `Problem` of kind `invalid` where there is none or its numbers lead outside.
  init(_ bytes: UnsafeRawBufferPointer) throws {
    guard let start = Self.find(bytes) else {
      throw Problem(
        .invalid, "the archive has no end", expected: "an end of directory record",
        found: "none; the file is truncated or not a zip archive")
    }
    var reader = ByteReader(bytes, start + 4..<bytes.count)
    let disks = (try reader.next(UInt16.self), try reader.next(UInt16.self))
    let here = try reader.next(UInt16.self)
    let total = try reader.next(UInt16.self)
    var size = UInt64(try reader.next(UInt32.self))
    var offset = UInt64(try reader.next(UInt32.self))
    var count = UInt64(total)
    var limit = start
    // Numbers of 64 bits count where the archive has them; only without them do those of 16 bits say whether the
    // archive lies on several disks.
    if let wide = try Self.wideEnd(bytes, before: start) {
      (count, size, offset, limit) = wide
    } else if disks != (0, 0) || here != total {
      throw Self.severalDisks
    }
    guard offset <= limit, size <= UInt64(limit) - offset else {
      throw Problem(
        .invalid, "the directory of the archive lies outside of it",
        expected: "an end before offset \(limit)", found: "offset \(offset), \(size) bytes")
    }
    directory = Int(offset)..<Int(offset + size)
    guard count <= size / UInt64(ZipRecord.smallest) else {
      throw Problem(
        .invalid, "the directory of the archive is too small for its entries",
        expected: "\(count) entries", found: "\(size) bytes")
    }
    entryCount = Int(count)
  }

  private static let severalDisks = Problem(
    .unsupported, "an archive in several parts is not read", expected: "one part")

  private static func find(_ bytes: UnsafeRawBufferPointer) -> Int? {
    let last = bytes.count - size
    guard last >= 0 else { return nil }
    return (max(0, last - longestComment)...last).last { start in
      var reader = ByteReader(bytes, start..<bytes.count)
      guard (try? reader.next(UInt32.self)) == ZipArchive.endSignature else { return false }
      var comment = ByteReader(bytes, start + 20..<bytes.count)
      return (try? comment.next(UInt16.self)).map { start + size + Int($0) == bytes.count } ?? false
    }
  }

  /// The numbers of 64 bits, where the archive has them.
  private static func wideEnd(_ bytes: UnsafeRawBufferPointer, before start: Int) throws -> (
    count: UInt64, size: UInt64, offset: UInt64, limit: Int
  )? {
    guard start >= locatorSize else { return nil }
    var locator = ByteReader(bytes, start - locatorSize..<start)
    guard try locator.next(UInt32.self) == ZipArchive.locatorSignature else { return nil }
    _ = try locator.next(UInt32.self)
    let place = try locator.next(UInt64.self)
    guard place <= UInt64(start - locatorSize) else {
      throw Problem(
        .invalid, "the zip64 end of the archive lies outside of it", found: "offset \(place)")
    }
    var reader = ByteReader(bytes, Int(place)..<start - locatorSize)
    guard try reader.next(UInt32.self) == ZipArchive.wideEndSignature else {
      throw Problem(.invalid, "no zip64 end where the archive says", found: "offset \(place)")
    }
    _ = try reader.take(8 + 2 + 2)
    let disks = (try reader.next(UInt32.self), try reader.next(UInt32.self))
    let here = try reader.next(UInt64.self)
    let total = try reader.next(UInt64.self)
    guard disks == (0, 0), here == total else { throw severalDisks }
    return (total, try reader.next(), try reader.next(), Int(place))
  }
}
