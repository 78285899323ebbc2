/// Plans where everything of a zip archive of stored entries lies.
///
/// The data of every entry begins at a multiple of 64 bytes, as in files of torch, so that it can be
/// mapped; checksums follow the data. Dates are the first a zip archive can hold, so that the same
/// content gives the same bytes.
struct ZipPlan {
  private struct Record {
    let name: [UInt8]
    let start: Int
    let size: Int
    /// Where the checksum is written behind the data.
    let end: Int
    let sum: Sum
  }

  /// The CRC-32 of an entry, or the tensor whose CRC-32 it is.
  private enum Sum {
    case known(UInt32)
    case tensor(Int)

    func value(_ sums: [UInt32]) -> UInt32 {
      switch self {
      case .known(let value): value
      case .tensor(let index): sums[index]
      }
    }
  }

  /// The longest name of an entry, which whoever adds one has checked.
  /// - Units: bytes.
  static let longestName = Int(UInt16.max)
  /// Where data begins.
  /// - Units: bytes.
  static let alignment = 64
  /// 1 January 1980: years from 1980 in 7 bits, then the month in 4 and the day in 5.
  private static let firstDate: UInt16 = 1 << 5 | 1
  /// Names are UTF-8; the checksum follows the data.
  private static let flags: UInt16 = 1 << 11 | 1 << 3
  /// The id of the extra field with which torch fills up to the alignment, `FB` in ASCII.
  private static let paddingField: UInt16 = 0x4246

  private var frames: [WeightFilePlan.Frame] = []
  private var slots: [WeightFilePlan.Slot] = []
  private var records: [Record] = []
  private var position = 0

  /// Appends a small entry.
  mutating func add(_ name: String, _ bytes: [UInt8]) {
    let sum = bytes.withUnsafeBytes { Checksum.crc32($0) }
    begin(name, size: bytes.count, .known(sum), before: bytes)
  }

  /// Appends an entry that holds the next tensor.
  /// - Parameters:
  ///   - before: bytes of the entry that stand before the tensor.
  ///   - size: the bytes of the tensor.
  mutating func addTensor(_ name: String, before: [UInt8] = [], size: Int) {
    begin(name, size: before.count + size, .tensor(slots.count), before: before)
    let sum = before.withUnsafeBytes { Checksum.crc32($0) }
    let end = records[records.count - 1].end
    slots.append(.init(offset: end - size, count: size, sum: sum))
  }

  /// The plan of the archive.
  var plan: WeightFilePlan {
    let (records, position) = (records, position)
    let ending: @Sendable ([UInt32]) -> [WeightFilePlan.Frame] = { sums in
      let entries = records.map { ($0, $0.sum.value(sums)) }
      let directory = entries.flatMap { Self.entry($0, checksum: $1) }
      let end = Self.end(records.count, position, size: directory.count)
      return entries.map { .init(offset: $0.end, bytes: Self.descriptor($0.size, $1)) }
        + [.init(offset: position, bytes: directory + end)]
    }
    let last = ending(Array(repeating: 0, count: slots.count)).last
    return WeightFilePlan(
      count: position + (last?.bytes.count ?? 0), slots: slots, frames: frames, ending: ending)
  }

  private mutating func begin(_ name: String, size: Int, _ sum: Sum, before: [UInt8]) {
    let name = Array(name.utf8)
    let header = Self.header(name, size: size, at: position)
    frames.append(.init(offset: position, bytes: header + before))
    let end = position + header.count + size
    records.append(Record(name: name, start: position, size: size, end: end, sum: sum))
    position = end + Self.descriptor(size, 0).count
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
    descriptor.append(UInt32(0x0807_4b50), checksum)  // its signature, `PK` 7 8
    if size >= UInt32.max {
      descriptor.append(UInt64(size), UInt64(size))
    } else {
      descriptor.append(UInt32(size), UInt32(size))
    }
    return descriptor.bytes
  }

  private static func entry(_ record: Record, checksum: UInt32) -> [UInt8] {
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
    entry.append(checksum, narrow[0], narrow[1])
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
