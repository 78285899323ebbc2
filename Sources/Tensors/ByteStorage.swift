import Platform

/// Bytes that stay where they are for as long as their owner lives, or are made whenever they are
/// asked for.
public protocol ByteStorage: AnyObject, Sendable {
  /// All bytes; valid while the owner is referenced.
  /// - Throws: `Problem` of kind `io` where they cannot be made.
  /// - Cost: nothing for bytes that are there; memory or scratch space for all others, for good.
  var bytes: UnsafeRawBufferPointer { get throws }

  /// The number of bytes, known before any is read.
  var count: Int { get }

  /// Calls `body` with some of the bytes, which a storage may give up afterwards.
  /// - Throws: what `body` throws, and `Problem` of kind `io` where the bytes cannot be made.
  func withBytes<Result>(
    in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result

  /// Says that some bytes will not be needed soon, so that they need not stay in memory.
  func release(_ range: Range<Int>)

  /// Checks the bytes, or those they are made of, where something is known that they must fulfil.
  /// - Parameter onlyRead: whether those of which none was read are left alone.
  /// - Throws: `Problem` of kind `invalid` where they are damaged.
  func check(onlyRead: Bool) throws
}

extension ByteStorage {
  /// Does nothing: nothing is known that the bytes must fulfil.
  public func check(onlyRead: Bool) throws {}

  /// Calls `body` with some of the bytes.
  public func withBytes<Result>(
    in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    try withExtendedLifetime(self) {
      try body(UnsafeRawBufferPointer(rebasing: self.bytes[range]))
    }
  }

  /// Does nothing: the bytes are not kept anywhere else.
  public func release(_ range: Range<Int>) {}
}

/// A range of stored bytes together with the owner that keeps them alive.
public struct ByteRegion: Sendable {
  /// The owner of the bytes.
  public let storage: any ByteStorage
  /// The range inside the owner.
  /// - Units: bytes.
  public let range: Range<Int>

  /// Names a range that lies inside the storage.
  public init(_ storage: any ByteStorage, _ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= storage.count)
    self.storage = storage
    self.range = range
  }

  /// Names all bytes of a storage.
  public init(_ storage: any ByteStorage) {
    self.init(storage, 0..<storage.count)
  }

  /// The number of bytes.
  public var count: Int { range.count }

  /// Calls `body` with all bytes at once.
  /// - Cost: for bytes that are made when they are asked for, memory for all of them.
  public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws
    -> Result
  {
    try withBytes(in: 0..<count, body)
  }

  /// Calls `body` with some of the bytes.
  /// - Parameter part: counted from the start of the region.
  public func withBytes<Result>(
    in part: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    try storage.withBytes(
      in: range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound, body)
  }

  /// Whether another region holds the same bytes.
  /// - Cost: reads both, up to the first difference.
  public func holdsSameBytes(as other: ByteRegion) throws -> Bool {
    guard count == other.count else { return false }
    let (reader, otherReader) = (RegionReader(self), RegionReader(other))
    for start in stride(from: 0, to: count, by: Self.window) {
      let part = start..<min(start + Self.window, count)
      let agrees = try reader.withBytes(in: part) { mine in
        try otherReader.withBytes(in: part) { theirs in
          guard let a = mine.baseAddress, let b = theirs.baseAddress else { return true }
          return memcmp(a, b, part.count) == 0
        }
      }
      guard agrees else { return false }
    }
    return true
  }

  /// Whether windows of it and of another region can be read in turns: not where both lie in bytes that may have
  /// to be made from front to back.
  package func canBeRead(beside other: ByteRegion) -> Bool {
    storage !== other.storage || storage is MappedFile
  }

  /// How much is read at a time.
  /// - Units: bytes.
  public static let window = 256 << 10

  /// Calls `body` with all bytes from front to back, some at a time.
  /// - Cost: memory for one window, whatever the region is.
  public func forEachWindow(
    of size: Int = Self.window, _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let reader = RegionReader(self)
    for start in stride(from: 0, to: count, by: size) {
      try reader.withBytes(in: start..<min(start + size, count), body)
    }
  }
}
