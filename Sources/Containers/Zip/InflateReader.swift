import Diagnostics
import Tensors

/// Reads the content of a deflate stream from front to back and lets go of what lies behind it.
///
/// Only one thread may use it at a time.
final class InflateReader: @unchecked Sendable {
  private let stored: ByteRegion
  private var stream: InflateStream
  private var released = 0
  /// How much of the content was read.
  private(set) var position = 0

  /// - Throws: `Problem` of kind `io`.
  init(_ stored: ByteRegion) throws {
    self.stored = stored
    let bytes = try stored.storage.bytes
    stream = try InflateStream(UnsafeRawBufferPointer(rebasing: bytes[stored.range]))
  }

  /// The next bytes, in the given buffer; nil at the end.
  func next(_ buffer: UnsafeMutableRawBufferPointer) throws -> UnsafeMutableRawBufferPointer? {
    let piece = try stream.next(buffer)
    position += piece?.count ?? 0
    // Compressed bytes that were read go out of memory, a mebibyte or more at a time, because each call costs
    // as much as reading a few pages.
    let read = stored.count - stream.remaining
    if read - released > 1 << 20 {
      let start = stored.range.lowerBound
      stored.storage.release(start + released..<start + read)
      released = read
    }
    return piece
  }

  /// Passes over bytes.
  func skip(to place: Int, by window: Int) throws {
    guard position < place else { return }
    let buffer = OwnedBytes(count: window)
    while position < place {
      let wanted = min(window, place - position)
      try fill(UnsafeMutableRawBufferPointer(rebasing: buffer.mutableBytes[..<wanted]))
    }
  }

  /// Reads exactly as many bytes as the buffer has.
  func fill(_ buffer: UnsafeMutableRawBufferPointer) throws {
    guard !buffer.isEmpty else { return }
    guard try next(buffer)?.count == buffer.count else {
      throw Problem(
        .invalid, "compressed bytes end early", remedy: "let nobody write to the file")
    }
  }
}
