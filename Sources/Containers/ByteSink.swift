import Diagnostics
import SystemPackage

/// A new file being written from front to back through a buffer of 256 KiB.
///
/// Larger single writes are slower on Linux, where they ask for large pages, so that no write is
/// larger than the buffer.
/// - Cost: the buffer; what is written is never held.
public struct ByteSink: ~Copyable {
  /// The size of the buffer.
  /// - Units: bytes.
  public static let capacity = 256 << 10

  /// The size of the buffer of this file.
  public var capacity: Int { buffer.count }
  /// The path of the file, for messages.
  public let path: FilePath
  private let descriptor: FileDescriptor
  private let expected: Int
  private let buffer: UnsafeMutableRawBufferPointer
  private var buffered = 0
  private var flushed = 0
  private var isOpen = true
  /// The sum of the bytes that left the buffer, and where in the buffer the others begin.
  private var checksum: (value: UInt32, start: Int)?

  /// Creates a file that must not exist yet, with the mode that the umask leaves.
  /// - Parameters:
  ///   - expected: the size that the file may have, for which room is reserved; 0 if unknown. What is
  ///     not written is given back.
  ///   - capacity: the size of the buffer.
  /// - Throws: `Problem` of kind `exists` where the file cannot be created, `io` where the disk has
  ///   no room.
  public init(creating path: FilePath, expected: Int = 0, capacity: Int = ByteSink.capacity) throws
  {
    descriptor = try FileSystem.createFile(path, reserving: expected)
    self.path = path
    self.expected = expected
    buffer = .allocate(byteCount: capacity, alignment: 4096)
  }

  deinit {
    if isOpen { try? descriptor.close() }
    buffer.deallocate()
  }

  /// The number of bytes taken so far.
  public var count: Int { flushed + buffered }

  /// Appends bytes.
  /// - Throws: `Problem` of kind `io`.
  public mutating func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      if buffered == 0, rest.count >= capacity {
        try flush(UnsafeRawBufferPointer(rebasing: rest.prefix(capacity)))
        rest = rest.dropFirst(capacity)
      } else {
        let piece = rest.prefix(capacity - buffered)
        UnsafeMutableRawBufferPointer(rebasing: buffer[buffered...])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: piece))
        try advance(piece.count)
        rest = rest.dropFirst(piece.count)
      }
    }
  }

  /// Appends bytes.
  /// - Throws: `Problem` of kind `io`.
  public mutating func write(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { try write($0) }
  }

  /// How many bytes can be appended without a copy, after making room for `least` if need be.
  public mutating func room(for least: Int) throws -> Int {
    if capacity - buffered < least { try flushBuffer() }
    return capacity - buffered
  }

  /// Appends bytes that `body` puts into the buffer itself, without a copy.
  /// - Parameters:
  ///   - count: the exact number of bytes, at most `capacity`.
  ///   - body: fills all of the bytes it is given.
  /// - Throws: `Problem` of kind `io`.
  public mutating func append(
    _ count: Int, _ body: (UnsafeMutableRawBufferPointer) throws -> Void
  ) throws {
    precondition(count <= capacity)
    if capacity - buffered < count { try flushBuffer() }
    try body(UnsafeMutableRawBufferPointer(rebasing: buffer[buffered..<buffered + count]))
    try advance(count)
  }

  /// Writes what is buffered and closes the file.
  /// - Throws: `Problem` of kind `io`.
  public mutating func close() throws {
    try flushBuffer()
    isOpen = false
    do {
      if flushed < expected { try descriptor.resize(to: Int64(flushed)) }
      try descriptor.close()
    } catch let error as Errno {
      throw FileSystem.failure("cannot write", path, error)
    }
  }

  /// Begins to sum the bytes that follow.
  mutating func beginChecksum() { checksum = (0, buffered) }

  /// The CRC-32 of the bytes since `beginChecksum`.
  mutating func endChecksum() -> UInt32 {
    defer { checksum = nil }
    guard let checksum else { return 0 }
    return Checksum.crc32(
      UnsafeRawBufferPointer(rebasing: buffer[checksum.start..<buffered]), after: checksum.value)
  }

  private mutating func advance(_ count: Int) throws {
    buffered += count
    if buffered == capacity { try flushBuffer() }
  }

  private mutating func flushBuffer() throws {
    let full = UnsafeRawBufferPointer(rebasing: buffer[..<buffered])
    buffered = 0
    try flush(full)
  }

  private mutating func flush(_ bytes: UnsafeRawBufferPointer) throws {
    if let (sum, start) = checksum {
      checksum = (Checksum.crc32(UnsafeRawBufferPointer(rebasing: bytes[start...]), after: sum), 0)
    }
    var rest = bytes
    while !rest.isEmpty {
      do {
        let written = try descriptor.write(rest)
        flushed += written
        rest = UnsafeRawBufferPointer(rebasing: rest[written...])
      } catch let error as Errno {
        throw FileSystem.failure("cannot write", path, error)
      }
    }
  }
}
