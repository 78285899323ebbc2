import CZlib
import Diagnostics
import Synchronization
import Tensors

/// Stored bytes and the CRC-32 that they must have, which is taken while they are read, so that nobody needs
/// to read them for it.
///
/// Bytes may be read in any order and by several threads. What reading leaves out is read by `check()`.
public final class Checksum: ByteStorage, PayloadCheck {
  /// What the bytes are called in their file.
  public let name: String
  /// The CRC-32 that the file gives.
  public let value: UInt32
  /// The bytes in their file.
  public let region: ByteRegion
  private let isSound = Atomic(false)
  private let known = Mutex(KnownSums())

  /// Bytes of which nothing was read yet.
  public init(name: String, region: ByteRegion, value: UInt32) {
    (self.name, self.region, self.value) = (name, region, value)
  }

  /// The number of bytes.
  public var count: Int { region.count }

  /// All bytes, which are checked first.
  public var bytes: UnsafeRawBufferPointer {
    get throws {
      try check()
      return UnsafeRawBufferPointer(rebasing: try region.storage.bytes[region.range])
    }
  }

  /// Calls `body` with some of the bytes.
  /// - Throws: also `Problem` of kind `invalid` where these were the last and the bytes are damaged.
  public func withBytes<Result>(
    in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    try region.withBytes(in: range) { bytes in
      if !isSound.load(ordering: .relaxed) { try add(bytes, at: range) }
      return try body(bytes)
    }
  }

  /// Gives back what lies there in the file.
  public func release(_ range: Range<Int>) {
    let start = region.range.lowerBound
    region.storage.release(start + range.lowerBound..<start + range.upperBound)
  }

  /// Says so, because their checksum is complete when all were read.
  public var isTakenByReading: Bool { true }

  /// Checks the bytes.
  /// - Throws: `Problem` of kind `invalid` where they are damaged.
  /// - Cost: reads those that were not read yet.
  public func check() throws {
    guard !isSound.load(ordering: .relaxed) else { return }
    var (sum, position) = (UInt32(0), 0)
    for piece in known.withLock(\.pieces) {
      try read(position..<piece.range.lowerBound, &sum)
      sum = Self.joined(sum, piece.sum, count: piece.range.count)
      position = piece.range.upperBound
    }
    try read(position..<count, &sum)
    try compare(sum)
  }

  /// Checks the bytes if any was read.
  public func checkRead() throws {
    if known.withLock(\.hasRead) { try check() }
  }

  /// Checks the bytes.
  /// - Parameter onlyRead: whether they are left alone where none was read.
  public func check(onlyRead: Bool) throws { try onlyRead ? checkRead() : check() }

  private func read(_ range: Range<Int>, _ sum: inout UInt32) throws {
    let start = region.range.lowerBound
    let part = ByteRegion(
      region.storage, start + range.lowerBound..<start + range.upperBound)
    try part.forEachWindow { sum = Self.crc32($0, after: sum) }
  }

  /// Takes the sum of bytes that were read, going on from that of the bytes before them.
  private func add(_ bytes: UnsafeRawBufferPointer, at range: Range<Int>) throws {
    guard var piece = known.withLock({ $0.begin(range) }) else { return }
    piece.sum = Self.crc32(bytes, after: piece.sum)
    piece.range = piece.range.lowerBound..<range.upperBound
    let whole = known.withLock { $0.end(piece, of: count) }
    if let whole { try compare(whole) }
  }

  private func compare(_ sum: UInt32) throws {
    guard sum == value else {
      let damage = Self.damage(name, expected: value, found: sum)
      // Reading goes on far from where the file was opened, and nobody there knows its name.
      throw (region.storage as? MappedFile).map { damage.located(.file($0.path.string)) } ?? damage
    }
    isSound.store(true, ordering: .relaxed)
  }
}

extension Checksum {
  static func damage(_ name: String, expected: UInt32, found: UInt32) -> Problem {
    Problem(
      .invalid, "the entry \(name) of the archive is damaged",
      expected: "CRC-32 \(hex(expected))", found: hex(found), remedy: "fetch the file again")
  }

  private static func hex(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// The CRC-32 of bytes, going on from that of the bytes before them.
  static func crc32(_ bytes: UnsafeRawBufferPointer, after start: UInt32 = 0) -> UInt32 {
    guard let address = bytes.baseAddress else { return start }
    return UInt32(
      truncatingIfNeeded: crc32_z(
        UInt(start), address.assumingMemoryBound(to: UInt8.self), bytes.count))
  }

  /// The CRC-32 of bytes and of `count` others behind them.
  static func joined(_ first: UInt32, _ second: UInt32, count: Int) -> UInt32 {
    UInt32(truncatingIfNeeded: crc32_combine(UInt(first), UInt(second), count))
  }
}
