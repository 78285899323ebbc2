import CZlib
import Diagnostics

/// A deflate stream read piece by piece.
struct InflateStream: ~Copyable {
  // zlib keeps a pointer back to the stream, which must not move.
  private let stream: UnsafeMutablePointer<z_stream>
  private var rest: UnsafeRawBufferPointer
  private var isDone = false

  /// Reads from bytes that stay where they are.
  init(_ bytes: UnsafeRawBufferPointer) throws {
    rest = bytes
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let status = inflateInit2_(
      stream, -MAX_WBITS, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
    guard status == Z_OK else {
      throw Problem(.io, "zlib cannot be used", found: "status \(status)")
    }
  }

  /// The compressed bytes that were not read yet.
  var remaining: Int { rest.count }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// The next decompressed bytes, in the given buffer; nil at the end of the stream.
  /// - Throws: `Problem` of kind `invalid` where the stream is damaged, ends early or goes on behind
  ///   its end.
  mutating func next(_ buffer: UnsafeMutableRawBufferPointer) throws
    -> UnsafeMutableRawBufferPointer?
  {
    guard !isDone else { return nil }
    var filled = 0
    while !isDone {
      let count = try step(.init(rebasing: buffer[filled...]))
      filled += count
      if filled == buffer.count, filled > 0 { break }
      if count == 0, !isDone { throw Self.damage("the end of the data") }
    }
    if isDone, !rest.isEmpty { throw Self.damage("\(rest.count) bytes behind the end") }
    return filled == 0 ? nil : .init(rebasing: buffer[..<filled])
  }

  /// Decompresses as far as input, output and zlib's counters of 32 bits reach.
  private mutating func step(_ buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    var nothing: UInt8 = 0
    let input = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
    let room = min(buffer.count, 1 << 30)
    return try withUnsafeMutablePointer(to: &nothing) { spare in
      stream.pointee.next_in = UnsafeMutablePointer(
        mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
      stream.pointee.avail_in = UInt32(input.count)
      stream.pointee.next_out =
        room == 0 ? spare : buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = UInt32(room)
      let status = inflate(stream, Z_NO_FLUSH)
      rest = .init(rebasing: rest[(input.count - Int(stream.pointee.avail_in))...])
      isDone = status == Z_STREAM_END
      guard isDone || status == Z_OK || status == Z_BUF_ERROR else {
        throw Self.damage("zlib status \(status)")
      }
      return room - Int(stream.pointee.avail_out)
    }
  }

  private static func damage(_ found: String) -> Problem {
    Problem(
      .invalid, "compressed bytes are damaged", expected: "a whole deflate stream", found: found)
  }
}
