import Diagnostics
import Synchronization
import Tensors

/// The content of an entry compressed by deflate, decompressed whenever it is needed.
///
/// Who reads from front to back gets it window by window. Who jumps back more than a few times, or
/// asks for all bytes at once, gets it from a scratch file, to which it is decompressed once.
final class InflatedBytes: ByteStorage {
  let count: Int
  private let stored: ByteRegion
  private let state = Mutex(State())

  private struct State {
    var stream: InflateReader?
    var restarts = 0
    var scratch: MappedFile?
  }

  /// No deflate stream gives more for one byte.
  private static let mostExpansion = 1032
  private static let window = 64 << 10
  /// The times that decompression begins anew before a scratch file is cheaper: checking, looking at
  /// values, writing and hashing are one each.
  private static let mostRestarts = 4

  /// Content of a size that is still to be checked.
  init(_ stored: ByteRegion, count: Int) {
    self.stored = stored
    self.count = count
  }

  /// Decompresses once to check the size and to sum.
  /// - Returns: the CRC-32 of the content.
  /// - Throws: `Problem` of kind `invalid`.
  /// - Cost: one pass over the content, memory for one window.
  func checkedSum() throws -> UInt32 {
    guard count / Self.mostExpansion <= stored.count else {
      throw Problem(
        .invalid, "compressed bytes cannot give the size that the archive says",
        expected: "at most \(Self.mostExpansion) times \(stored.count) bytes",
        found: "\(count) bytes")
    }
    let buffer = OwnedBytes(count: Self.window)
    let reader = try InflateReader(stored)
    var sum: UInt32 = 0
    while let piece = try reader.next(buffer.mutableBytes) {
      sum = Checksum.crc32(UnsafeRawBufferPointer(piece), after: sum)
      guard reader.position <= count else { throw otherSize("more") }
    }
    guard reader.position == count else { throw otherSize("\(reader.position) bytes") }
    return sum
  }

  /// All bytes, in a scratch file.
  var bytes: UnsafeRawBufferPointer { get throws { try scratch().bytes } }

  func withBytes<Result>(
    in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard let piece = try state.withLock({ try inflate(range, &$0) }) else {
      return try scratch().withBytes(in: range, body)
    }
    return try withExtendedLifetime(piece) { try body(piece.bytes) }
  }

  func release(_ range: Range<Int>) { state.withLock { $0.scratch?.release(range) } }

  /// The bytes of a range if decompression can go on to it; nil where a scratch file is needed.
  private func inflate(_ range: Range<Int>, _ state: inout State) throws -> OwnedBytes? {
    guard state.scratch == nil, range.count < max(count, 2 * Self.window) else { return nil }
    if state.stream.map({ $0.position > range.lowerBound }) ?? true {
      guard state.restarts < Self.mostRestarts else { return nil }
      state.restarts += 1
      state.stream = try InflateReader(stored)
    }
    guard let stream = state.stream else { return nil }
    try stream.skip(to: range.lowerBound, by: Self.window)
    let piece = try OwnedBytes(reserving: range.count)
    try stream.fill(piece.mutableBytes)
    return piece
  }

  private func scratch() throws -> MappedFile {
    try state.withLock { state in
      if let scratch = state.scratch { return scratch }
      let reader = try InflateReader(stored)
      let buffer = OwnedBytes(count: 4 * Self.window)
      let scratch = try ScratchFile.mapped(count: count) { write in
        while let piece = try reader.next(buffer.mutableBytes) { try write(.init(piece)) }
      }
      (state.scratch, state.stream) = (scratch, nil)
      return scratch
    }
  }

  private func otherSize(_ found: String) -> Problem {
    Problem(
      .invalid, "compressed bytes give another size than the archive says",
      expected: "\(count) bytes", found: found)
  }
}
