import Synchronization
import Tensors

/// Bytes that count how many of them were read.
public final class CountedBytes: ByteStorage {
  private let region: ByteRegion
  private let total = Atomic(0)

  /// The bytes of a region.
  public init(_ region: ByteRegion) { self.region = region }

  /// How many bytes were read, those that were read twice counted twice.
  public var read: Int { total.load(ordering: .relaxed) }

  /// The number of bytes.
  public var count: Int { region.count }

  /// All bytes, which counts as reading them.
  public var bytes: UnsafeRawBufferPointer {
    get throws {
      total.add(count, ordering: .relaxed)
      return UnsafeRawBufferPointer(rebasing: try region.storage.bytes[region.range])
    }
  }

  /// Calls `body` with some of the bytes.
  public func withBytes<Result>(
    in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    total.add(range.count, ordering: .relaxed)
    return try region.withBytes(in: range, body)
  }

  /// Does nothing: what is given back may be read again all the same.
  public func release(_ range: Range<Int>) {}
}
