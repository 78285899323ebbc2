import Diagnostics
import SystemPackage
import Tensors

/// A zip archive: its entries, found by the central directory and checked against the archive.
///
/// ```
/// | header name extra | data | (descriptor) | … | directory | (zip64 end) | end |
/// ```
struct ZipArchive {
  /// The entries, in the order of the directory.
  let entries: [ZipEntry]
  private let places: [String: Int]

  // Each record begins with "PK" and two numbers that tell its kind, here read as a little-endian integer.
  /// The first bytes of a local header.
  static let localSignature: UInt32 = 0x0403_4b50
  static let directorySignature: UInt32 = 0x0201_4b50
  static let endSignature: UInt32 = 0x0605_4b50
  static let wideEndSignature: UInt32 = 0x0606_4b50
  static let locatorSignature: UInt32 = 0x0706_4b50
  /// The id of the extra field that holds numbers of 64 bits.
  static let wideField: UInt16 = 1

  /// Whether bytes begin as an archive with entries does.
  static func isArchive(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var reader = ByteReader(bytes)
    return (try? reader.next(UInt32.self)) == localSignature
  }

  /// Finds and checks all entries.
  /// - Throws: `Problem` of kind `invalid` where the archive is damaged or can be read in two ways,
  ///   `unsupported` where it uses what is not read, such as encryption.
  /// - Cost: reads the directory and the local headers.
  init(_ storage: any ByteStorage) throws {
    let bytes = try storage.bytes
    let end = try ZipEnd(bytes)
    var reader = ByteReader(bytes, end.directory)
    var entries: [ZipEntry] = []
    var spans: [Range<Int>] = []
    for _ in 0..<end.entryCount {
      let record = try ZipRecord(&reader)
      let range = try record.data(in: bytes, before: end.directory.lowerBound)
      spans.append(record.start..<range.upperBound)
      entries.append(
        ZipEntry(
          storage, name: record.name, isDeflated: record.isDeflated, range: range,
          size: record.size, checksum: record.checksum))
    }
    guard reader.isAtEnd else {
      throw Problem(.invalid, "the directory of the archive holds more than its entries")
    }
    try Self.checkOverlap(spans)
    self.entries = entries
    places = try Self.places(entries)
  }

  /// The entry of that name.
  func entry(_ name: String) -> ZipEntry? { places[name].map { entries[$0] } }

  /// Refuses entries that share bytes, with which a small archive can claim to be a huge one.
  private static func checkOverlap(_ spans: [Range<Int>]) throws {
    let sorted = spans.sorted { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }
    for (first, second) in zip(sorted, sorted.dropFirst())
    where second.lowerBound < first.upperBound {
      throw Problem(
        .invalid, "entries of the archive overlap",
        expected: "nothing before offset \(first.upperBound)",
        found: "an entry at offset \(second.lowerBound)")
    }
  }

  private static func places(_ entries: [ZipEntry]) throws -> [String: Int] {
    var places: [String: Int] = [:]
    for (index, entry) in entries.enumerated()
    where places.updateValue(index, forKey: entry.name) != nil {
      throw Problem(
        .invalid, "two entries of the archive have one name", expected: "each name once",
        found: entry.name)
    }
    return places
  }
}
