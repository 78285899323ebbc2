import Diagnostics
import SystemPackage

/// Writes a zip archive of stored entries from front to back.
///
/// The data of every entry begins at a multiple of 64 bytes, as in files of torch, so that it can be
/// mapped; checksums follow the data. Dates are the first a zip archive can hold, so that the same
/// content gives the same bytes.
struct ZipWriter: ~Copyable {
  private struct Record {
    let name: [UInt8]
    let start: Int
    let size: Int
    let checksum: UInt32
  }

  /// Where data begins.
  /// - Units: bytes.
  static let alignment = 64
  private static let firstDate: UInt16 = 1 << 5 | 1
  /// Names are UTF-8; the checksum follows the data.
  private static let flags: UInt16 = 1 << 11 | 1 << 3
  private static let paddingField: UInt16 = 0x4246

  private var sink: ByteSink
  private var records: [Record] = []

  /// Creates the file, which must not exist.
  /// - Parameter expected: a size that the file will not exceed by much.
  init(creating path: FilePath, expected: Int) throws {
    sink = try ByteSink(creating: path, expected: expected)
  }

  /// What an entry needs besides its data, at most.
  static func overhead(_ name: String) -> Int { 2 * name.utf8.count + 46 + 30 + 24 + 28 * 2 + 128 }

  /// Appends an entry that `produce` writes.
  /// - Parameter size: the number of bytes that it will write.
  /// - Throws: `Problem`, also of kind `invalid` where it writes another number of bytes.
  mutating func add(
    _ name: String, size: Int, _ produce: (inout ByteSink) throws -> Void
  ) throws {
    let start = sink.count
    let name = Array(name.utf8)
    try sink.write(Self.header(name, size: size, at: start))
    let before = sink.count
    sink.beginChecksum()
    try produce(&sink)
    let checksum = sink.endChecksum()
    guard sink.count - before == size else {
      throw Problem(
        .invalid, "another number of bytes was produced than the entry has", file: sink.path.string,
        expected: "\(size) bytes", found: "\(sink.count - before) bytes")
    }
    try sink.write(Self.descriptor(size, checksum))
    records.append(Record(name: name, start: start, size: size, checksum: checksum))
  }

  /// Appends a small entry.
  mutating func add(_ name: String, _ bytes: [UInt8]) throws {
    try add(name, size: bytes.count) { try $0.write(bytes) }
  }

  /// Writes the directory and closes the file.
  mutating func close() throws {
    let start = sink.count
    for record in records { try sink.write(Self.entry(record)) }
    try sink.write(Self.end(records.count, start, size: sink.count - start))
    try sink.close()
  }

  private static func header(_ name: [UInt8], size: Int, at start: Int) -> [UInt8] {
    let isWide = size >= UInt32.max
    var wide = LittleEndianBytes()
    if isWide {
      wide.append(ZipArchive.wideField, UInt16(16))
      wide.append(UInt64(size), UInt64(size))
    }
    let unpadded = start + 30 + name.count + wide.bytes.count + 4
    let padding = (alignment - unpadded % alignment) % alignment
    var header = LittleEndianBytes()
    header.append(ZipArchive.localSignature)
    header.append(version(isWide), flags, 0, 0, firstDate)
    header.append(UInt32(0), isWide ? .max : 0, isWide ? .max : 0)
    header.append(UInt16(name.count), UInt16(wide.bytes.count + 4 + padding))
    header.bytes += name + wide.bytes
    header.append(paddingField, UInt16(padding))
    header.bytes += [UInt8](repeating: UInt8(ascii: "Z"), count: padding)
    return header.bytes
  }

  private static func descriptor(_ size: Int, _ checksum: UInt32) -> [UInt8] {
    var descriptor = LittleEndianBytes()
    descriptor.append(UInt32(0x0807_4b50), checksum)
    if size >= UInt32.max {
      descriptor.append(UInt64(size), UInt64(size))
    } else {
      descriptor.append(UInt32(size), UInt32(size))
    }
    return descriptor.bytes
  }

  private static func entry(_ record: Record) -> [UInt8] {
    let numbers = [record.size, record.size, record.start]
    let large = numbers.filter { $0 >= UInt32.max }
    let narrow = numbers.map { UInt32(clamping: $0) }
    var wide = LittleEndianBytes()
    if !large.isEmpty {
      wide.append(ZipArchive.wideField, UInt16(8 * large.count))
      for number in large { wide.append(UInt64(number)) }
    }
    var entry = LittleEndianBytes()
    entry.append(ZipArchive.directorySignature)
    entry.append(version(!large.isEmpty), version(!large.isEmpty), flags, 0, 0, firstDate)
    entry.append(record.checksum, narrow[0], narrow[1])
    entry.append(UInt16(record.name.count), UInt16(wide.bytes.count), 0, 0, 0)
    entry.append(UInt32(0), narrow[2])
    return entry.bytes + record.name + wide.bytes
  }

  private static func end(_ count: Int, _ start: Int, size: Int) -> [UInt8] {
    var end = LittleEndianBytes()
    if count >= UInt16.max || start >= UInt32.max || size >= UInt32.max {
      end.append(ZipArchive.wideEndSignature)
      end.append(UInt64(44))
      end.append(version(true), version(true))
      end.append(UInt32(0), 0)
      end.append(UInt64(count), UInt64(count), UInt64(size), UInt64(start))
      end.append(ZipArchive.locatorSignature, 0)
      end.append(UInt64(start + size))
      end.append(UInt32(1))
    }
    let narrowCount = UInt16(clamping: count)
    end.append(ZipArchive.endSignature)
    end.append(UInt16(0), 0, narrowCount, narrowCount)
    end.append(UInt32(clamping: size), UInt32(clamping: start))
    end.append(UInt16(0))
    return end.bytes
  }

  private static func version(_ isWide: Bool) -> UInt16 { isWide ? 45 : 20 }
}
