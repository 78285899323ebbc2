import Tensors

/// The values of a packed weight as the bytes of an F32 tensor, decoded whenever they are asked for.
///
/// Who computes with the weight takes it from here and decodes what it needs.
public final class UnpackedBytes: ByteStorage {
  /// The weight.
  public let weight: any PackedWeight
  private let deferred: DeferredBytes

  /// The values of a weight.
  public init(_ weight: any PackedWeight) {
    self.weight = weight
    deferred = DeferredBytes(count: weight.count * 4) { try Self.fill($1, weight, $0) }
  }

  /// The number of bytes of all values as F32.
  public var count: Int { deferred.count }

  /// All values, kept from now on.
  public var bytes: UnsafeRawBufferPointer { get throws { try deferred.bytes } }

  /// Calls `body` with some of the values, decoded for it.
  public func withBytes<Result>(
    in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result { try deferred.withBytes(in: range, body) }

  private static func fill(
    _ place: UnsafeMutableRawBufferPointer, _ weight: any PackedWeight, _ range: Range<Int>
  ) throws {
    let run = range.lowerBound / 4..<(range.upperBound + 3) / 4
    let values = place.bindMemory(to: Float.self)
    if run.count * 4 == range.count, let start = values.baseAddress {
      return try weight.decode(run, into: start)
    }
    // The first or the last value is asked for in part.
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: run.count) { whole in
      guard let start = whole.baseAddress else { return }
      try weight.decode(run, into: start)
      let first = range.lowerBound - run.lowerBound * 4
      place.copyBytes(from: UnsafeRawBufferPointer(whole)[first..<first + range.count])
    }
  }
}
