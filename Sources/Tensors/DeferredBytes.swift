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
  private let sources: [any ByteStorage]
  private let fill: Fill
  private let kept = Mutex<OwnedBytes?>(nil)

  /// Bytes that `fill` will write, any range of them, as often as it is asked.
  /// - Parameter sources: what they are made of, as far as it can be checked.
  public init(count: Int, of sources: [any ByteStorage] = [], fill: @escaping Fill) {
    self.count = count
    self.sources = sources
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

  /// Checks what they are made of.
  public func check(onlyRead: Bool) throws {
    for source in sources { try source.check(onlyRead: onlyRead) }
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
