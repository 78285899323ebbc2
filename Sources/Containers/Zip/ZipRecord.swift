import Diagnostics

/// What the directory of a zip archive says about one entry.
struct ZipRecord {
  let name: String
  let isDeflated: Bool
  let checksum: UInt32
  let size: Int
  /// The place of the local header.
  let start: Int
  private let method: UInt16
  private let storedSize: Int

  /// The size of a record without name, extra fields and comment.
  static let smallest = 46

  /// Reads the next record.
  init(_ reader: inout ByteReader) throws {
    let here = reader.position
    guard try reader.next(UInt32.self) == ZipArchive.directorySignature else {
      throw Problem(.invalid, "no directory record of the archive at offset \(here)")
    }
    _ = try reader.take(2 + 2)
    let flags = try reader.next(UInt16.self)
    method = try reader.next(UInt16.self)
    _ = try reader.take(2 + 2)
    checksum = try reader.next()
    let narrow = (stored: try reader.next(UInt32.self), size: try reader.next(UInt32.self))
    let lengths = (
      name: try reader.next(UInt16.self), extra: try reader.next(UInt16.self),
      comment: try reader.next(UInt16.self)
    )
    _ = try reader.take(2 + 2 + 4)
    let offset = try reader.next(UInt32.self)
    name = try reader.text(lengths.name)
    let extra = try reader.take(lengths.extra)
    _ = try reader.take(lengths.comment)
    var wide = try Self.wideField(reader.bytes, extra)
    // Numbers of 64 bits stand in this order, each only where the one of 32 bits is full.
    size = try Self.number(narrow.size, &wide)
    storedSize = try Self.number(narrow.stored, &wide)
    start = try Self.number(offset, &wide)
    isDeflated = method == 8
    try check(flags)
  }

  private func check(_ flags: UInt16) throws {
    guard flags & 0x41 == 0 else {
      throw Problem(.unsupported, "an encrypted entry of the archive is not read", found: name)
    }
    guard method == 0 || method == 8 else {
      throw Problem(
        .unsupported, "an entry of the archive is compressed in a way that is not read",
        expected: "stored or deflate", found: "method \(method) of \(name)")
    }
    guard method == 8 || size == storedSize else {
      throw Problem(
        .invalid, "a stored entry of the archive has two sizes",
        expected: "\(size) bytes of \(name)", found: "\(storedSize) bytes")
    }
  }

  /// The place of the data behind the local header, which must repeat the name.
  /// - Throws: `Problem` of kind `invalid` where it does not or the data leads outside.
  func data(in bytes: UnsafeRawBufferPointer, before limit: Int) throws -> Range<Int> {
    guard start <= limit else { throw outside }
    var reader = ByteReader(bytes, start..<limit)
    guard try reader.next(UInt32.self) == ZipArchive.localSignature else { throw outside }
    _ = try reader.take(2 + 2)
    let localMethod = try reader.next(UInt16.self)
    _ = try reader.take(2 + 2 + 4 + 4 + 4)
    let lengths = (name: try reader.next(UInt16.self), extra: try reader.next(UInt16.self))
    let localName = try reader.text(lengths.name)
    _ = try reader.take(lengths.extra)
    guard localName == name, localMethod == method else {
      throw Problem(
        .invalid, "an entry of the archive and its directory disagree", expected: name,
        found: localName)
    }
    return try reader.take(storedSize)
  }

  private var outside: Problem {
    Problem(
      .invalid, "the archive has no entry where its directory says", expected: name,
      found: "something else at offset \(start)")
  }

  private static func wideField(_ bytes: UnsafeRawBufferPointer, _ extra: Range<Int>) throws
    -> ByteReader
  {
    var reader = ByteReader(bytes, extra)
    while !reader.isAtEnd {
      let id = try reader.next(UInt16.self)
      let content = try reader.take(try reader.next(UInt16.self))
      if id == ZipArchive.wideField { return ByteReader(bytes, content) }
    }
    return ByteReader(bytes, 0..<0)
  }

  private static func number(_ narrow: UInt32, _ wide: inout ByteReader) throws -> Int {
    guard narrow == .max, !wide.isAtEnd else { return Int(narrow) }
    let number = try wide.next(UInt64.self)
    guard let result = Int(exactly: number) else {
      throw Problem(
        .invalid, "a number of the archive is too large", expected: "at most 63 bits",
        found: "\(number)")
    }
    return result
  }
}
