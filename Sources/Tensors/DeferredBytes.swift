import Synchronization

/// Bytes that are put together whenever they are needed, such as the rows of a tensor that lie in
/// several files.
///
/// - Cost: memory for the range that is asked for while `withBytes` runs, and for all bytes for good
///   once `bytes` was asked for.
public final class DeferredBytes: ByteStorage {
  /// Writes a range of the bytes to a place of that size.
  public typealias Fill = @Sendable (Range<Int>, UnsafeMutableRawBufferPointer) throws -> Void

  /// The number of bytes.
  public let count: Int
  private let fill: Fill
  private let kept = Mutex<OwnedBytes?>(nil)

  /// Bytes that `fill` will write, any range of them, as often as it is asked.
  public init(count: Int, fill: @escaping Fill) {
    self.count = count
    self.fill = fill
  }

  /// The bytes, kept from now on.
  public var bytes: UnsafeRawBufferPointer {
    get throws {
      try kept.withLock { kept in
        if let kept { return kept.bytes }
        let bytes = try OwnedBytes(reserving: count)
        try fill(0..<count, bytes.mutableBytes)
        kept = bytes
        return bytes.bytes
      }
    }
  }

  /// Calls `body` with some of the bytes.
  public func withBytes<Result>(
    in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    if let kept = kept.withLock({ $0 }) {
      return try withExtendedLifetime(kept) { try body(.init(rebasing: kept.bytes[range])) }
    }
    let made = try OwnedBytes(reserving: range.count)
    try fill(range, made.mutableBytes)
    return try withExtendedLifetime(made) { try body(made.bytes) }
  }
}
