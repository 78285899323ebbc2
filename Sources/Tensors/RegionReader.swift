/// Reads ranges of a region in any order, and keeps at most about `limit` bytes of it in the memory of
/// the process: what was read earlier is given back to the system.
public final class RegionReader {
  private let region: ByteRegion
  private let onBytes: ((UnsafeRawBufferPointer) -> Void)?
  /// What was read since bytes were last given back.
  private var span = 0..<0
  /// About how much of that is in memory.
  /// - Units: bytes.
  public private(set) var touched = 0
  private var end = 0

  /// How much may be in memory before it is given back.
  /// - Units: bytes.
  public static let limit = 4 << 20

  /// Reads a region.
  /// - Parameter onBytes: called with everything that is read.
  public init(_ region: ByteRegion, onBytes: ((UnsafeRawBufferPointer) -> Void)? = nil) {
    self.region = region
    self.onBytes = onBytes
  }

  deinit { release() }

  /// Calls `body` with some of the bytes.
  /// - Parameter range: counted from the start of the region.
  public func withBytes<Result>(
    in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    let jump = abs(range.lowerBound - end)
    touched += range.count + min(jump, MappedFile.surroundings)
    end = range.upperBound
    if touched > Self.limit, region.count > Self.limit {
      release()
      touched = range.count
    }
    span =
      span.isEmpty
      ? range : min(span.lowerBound, range.lowerBound)..<max(span.upperBound, range.upperBound)
    return try region.withBytes(in: range) { bytes in
      onBytes?(bytes)
      return try body(bytes)
    }
  }

  /// Gives back what was read.
  public func release() {
    let start = region.range.lowerBound
    region.storage.release(start + span.lowerBound..<start + span.upperBound)
    (span, touched) = (0..<0, 0)
  }
}
