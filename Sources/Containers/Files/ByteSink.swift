import Diagnostics
import SystemPackage
import Tensors

/// A file, or a part of one, being written from front to back through a buffer of 256 KiB.
///
/// Larger single writes are slower on Linux, where they ask for large pages, so that no write is
/// larger than the buffer. Writes end at multiples of its size in the file, as far as pieces that are
/// put into it directly allow.
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
  private let start: Int
  private let expected: Int
  private let buffer: UnsafeMutableRawBufferPointer
  /// Where the buffer ends for now.
  private var end: Int
  private var buffered = 0
  private var flushed = 0
  private var isOpen: Bool
  /// Called with the bytes in order, as they are written.
  private let onBytes: ((UnsafeRawBufferPointer) -> Void)?

  /// Creates a file that must not exist yet, with the mode that the umask leaves.
  /// - Parameters:
  ///   - expected: the size that the file may have, for which room is reserved; 0 if unknown. What is
  ///     not written is given back.
  ///   - capacity: the size of the buffer.
  /// - Throws: `Problem` of kind `exists` where the file cannot be created, `io` where the disk has
  ///   no room.
  public init(
    creating location: some FileLocation, expected: Int = 0, capacity: Int = ByteSink.capacity
  ) throws {
    descriptor = try location.place.create(reserving: expected)
    path = location.place.path
    self.expected = expected
    buffer = .allocate(byteCount: capacity, alignment: 4096)
    (start, end, isOpen, onBytes) = (0, capacity, true, nil)
  }

  /// Writes a part of a file that somebody else creates and closes.
  /// - Parameters:
  ///   - start: the place of the first byte.
  ///   - onBytes: called with all bytes in their order, piece by piece.
  init(
    _ descriptor: FileDescriptor, path: FilePath, at start: Int, capacity: Int,
    onBytes: ((UnsafeRawBufferPointer) -> Void)?
  ) {
    self.descriptor = descriptor
    self.path = path
    self.start = start
    self.onBytes = onBytes
    buffer = .allocate(byteCount: capacity, alignment: 4096)
    (expected, isOpen, end) = (0, false, capacity - start % capacity)
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
      if buffered == 0, rest.count >= end {
        let piece = rest.prefix(end)
        try flush(UnsafeRawBufferPointer(rebasing: piece))
        rest = rest.dropFirst(piece.count)
      } else {
        let piece = rest.prefix(end - buffered)
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

  /// Appends a region in pieces that go to the file as they are.
  /// - Parameter onBytes: called with the bytes in their order.
  /// - Throws: `Problem` of kind `io`.
  public mutating func write(
    _ region: ByteRegion, onBytes: ((UnsafeRawBufferPointer) -> Void)? = nil
  ) throws {
    let reader = RegionReader(region, onBytes: onBytes)
    var position = 0
    while position < region.count {
      let end = try min(position + room(for: 1), region.count)
      try reader.withBytes(in: position..<end) { try write($0) }
      position = end
    }
  }

  /// How many bytes can be appended without a copy, after making room for `least` if need be.
  /// - Precondition: `least` is at most `capacity`.
  public mutating func room(for least: Int) throws -> Int {
    if end - buffered < least { try flushBuffer() }
    end = max(end, least)
    return end - buffered
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
    _ = try room(for: count)
    try body(UnsafeMutableRawBufferPointer(rebasing: buffer[buffered..<buffered + count]))
    try advance(count)
  }

  /// Writes what is buffered and closes the file.
  /// - Throws: `Problem` of kind `io`.
  public mutating func close() throws {
    try flushBuffer()
    guard isOpen else { return }
    isOpen = false
    do {
      if flushed < expected { try descriptor.resize(to: Int64(flushed)) }
      try descriptor.close()
    } catch let error as Errno {
      throw FileSystem.failure("cannot write", path, error)
    }
  }

  private mutating func advance(_ count: Int) throws {
    buffered += count
    if buffered == end { try flushBuffer() }
  }

  private mutating func flushBuffer() throws {
    let full = UnsafeRawBufferPointer(rebasing: buffer[..<buffered])
    buffered = 0
    try flush(full)
  }

  private mutating func flush(_ bytes: UnsafeRawBufferPointer) throws {
    onBytes?(bytes)
    do {
      try descriptor.writeAll(toAbsoluteOffset: Int64(start + flushed), bytes)
    } catch let error as Errno {
      throw FileSystem.failure("cannot write", path, error)
    }
    flushed += bytes.count
    end = capacity - (start + flushed) % capacity
  }
}
