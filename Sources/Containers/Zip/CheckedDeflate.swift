import Diagnostics
import Tensors

/// Bytes compressed by deflate, seen to give exactly what their archive says.
struct CheckedDeflate {
  /// The content, decompressed whenever it is needed.
  let bytes: DeferredBytes
  /// The CRC-32 of the content.
  let checksum: UInt32

  /// No deflate stream gives more for one byte.
  private static let mostExpansion = 1032
  private static let window = 64 << 10

  /// Decompresses once to check the size and to sum.
  /// - Throws: `Problem` of kind `invalid`.
  /// - Cost: one pass over the content, memory for one window.
  init(_ stored: ByteRegion, size: Int) throws {
    guard size / Self.mostExpansion <= stored.count else {
      throw Problem(
        .invalid, "compressed bytes cannot give the size that the archive says",
        expected: "at most \(Self.mostExpansion) times \(stored.count) bytes",
        found: "\(size) bytes")
    }
    checksum = try Self.sum(stored, size: size)
    bytes = DeferredBytes(count: size) { buffer in
      let isWhole = stored.withBytes { (try? Self.inflate($0, into: buffer)) == buffer.count }
      precondition(isWhole, "an archive changed while it was read")
    }
  }

  private static func sum(_ stored: ByteRegion, size: Int) throws -> UInt32 {
    let buffer = OwnedBytes(count: window)
    var sum: UInt32 = 0
    var count = 0
    try stored.withBytes { bytes in
      var stream = try InflateStream(bytes)
      while let piece = try stream.next(buffer.mutableBytes) {
        sum = Checksum.crc32(UnsafeRawBufferPointer(piece), after: sum)
        count += piece.count
        guard count <= size else { throw Self.otherSize(size, "more") }
      }
    }
    guard count == size else { throw Self.otherSize(size, "\(count) bytes") }
    return sum
  }

  private static func inflate(
    _ stored: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer
  ) throws -> Int {
    var stream = try InflateStream(stored)
    var count = 0
    while let piece = try stream.next(.init(rebasing: buffer[count...])) { count += piece.count }
    return count
  }

  private static func otherSize(_ size: Int, _ found: String) -> Problem {
    Problem(
      .invalid, "compressed bytes give another size than the archive says",
      expected: "\(size) bytes", found: found)
  }
}
