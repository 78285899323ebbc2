/// Bytes that stay where they are for as long as their owner lives.
public protocol ByteStorage: AnyObject, Sendable {
  /// The bytes; valid while the owner is referenced.
  var bytes: UnsafeRawBufferPointer { get }

  /// The number of bytes, known before any is read.
  var count: Int { get }

  /// Calls `body` with the bytes, which a storage may give up afterwards.
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result
}

extension ByteStorage {
  /// The number of bytes.
  public var count: Int { bytes.count }

  /// Calls `body` with the bytes.
  public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows
    -> Result
  {
    try withExtendedLifetime(self) { try body(bytes) }
  }
}

/// Zeroed bytes on the heap, aligned for vector loads and freed with their owner.
public final class OwnedBytes: ByteStorage, @unchecked Sendable {
  private let buffer: UnsafeMutableRawBufferPointer

  /// Allocates zeroed bytes.
  /// - Units: bytes.
  public init(count: Int) {
    buffer = .allocate(byteCount: count, alignment: 64)
    buffer.initializeMemory(as: UInt8.self, repeating: 0)
  }

  /// Allocates bytes and fills them with the little-endian form of F32 values.
  public convenience init(_ values: [Float]) {
    self.init(count: values.count * 4)
    values.withUnsafeBytes { buffer.copyMemory(from: $0) }
  }

  /// Allocates bytes and fills them.
  public convenience init(_ bytes: [UInt8]) {
    self.init(count: bytes.count)
    buffer.copyBytes(from: bytes)
  }

  deinit { buffer.deallocate() }

  /// The bytes; valid while the owner is referenced.
  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(buffer) }

  /// The same bytes for filling; only while nobody else reads them.
  public var mutableBytes: UnsafeMutableRawBufferPointer { buffer }
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

  /// Calls `body` with the bytes.
  public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows
    -> Result
  {
    try storage.withBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }
}
