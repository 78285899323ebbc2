import Synchronization

/// The bytes of several regions end to end, each where it is stored.
///
/// - Cost: nothing for a range inside one region; memory for the range while it is read for others, and for all
///   bytes for good once `bytes` was asked for.
public final class JoinedBytes: ByteStorage {
  /// The number of bytes.
  public let count: Int
  private let regions: [ByteRegion]
  /// Where each region begins.
  private let starts: [Int]
  private let kept = Mutex<OwnedBytes?>(nil)

  /// Regions one after the other.
  public init(_ regions: [ByteRegion]) {
    self.regions = regions
    starts = regions.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
    count = starts[regions.count]
  }

  /// The bytes, kept from now on.
  public var bytes: UnsafeRawBufferPointer {
    get throws {
      try kept.withLock { kept in
        if let kept { return kept.bytes }
        let bytes = try OwnedBytes(reserving: count)
        try copy(0..<count, to: bytes.mutableBytes)
        kept = bytes
        return bytes.bytes
      }
    }
  }

  /// Calls `body` with some of the bytes.
  public func withBytes<Result>(
    in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    let index = index(of: range.lowerBound)
    if index < regions.count, range.upperBound <= starts[index + 1] {
      return try regions[index].withBytes(in: part(range, of: index), body)
    }
    let made = try OwnedBytes(reserving: range.count)
    try copy(range, to: made.mutableBytes)
    return try withExtendedLifetime(made) { try body(made.bytes) }
  }

  /// Checks the storages of the regions.
  public func check(onlyRead: Bool) throws {
    for region in regions { try region.storage.check(onlyRead: onlyRead) }
  }

  /// Says so to the storages of the regions.
  public func release(_ range: Range<Int>) {
    forEachRegion(in: range) { index, part, _ in
      let region = regions[index]
      let first = region.range.lowerBound
      region.storage.release(first + part.lowerBound..<first + part.upperBound)
    }
  }

  private func copy(_ range: Range<Int>, to place: UnsafeMutableRawBufferPointer) throws {
    try forEachRegion(in: range) { index, part, start in
      try regions[index].withBytes(in: part) {
        UnsafeMutableRawBufferPointer(rebasing: place[(start - range.lowerBound)...])
          .copyMemory(from: $0)
      }
    }
  }

  /// Calls `body` with each region that a range touches, what of it, and where that begins.
  private func forEachRegion(
    in range: Range<Int>, _ body: (_ index: Int, _ part: Range<Int>, _ start: Int) throws -> Void
  ) rethrows {
    var (index, start) = (index(of: range.lowerBound), range.lowerBound)
    while start < range.upperBound, index < regions.count {
      let end = min(range.upperBound, starts[index + 1])
      if start < end { try body(index, part(start..<end, of: index), start) }
      (index, start) = (index + 1, end)
    }
  }

  /// A range inside a region, counted from its start.
  private func part(_ range: Range<Int>, of index: Int) -> Range<Int> {
    range.lowerBound - starts[index]..<range.upperBound - starts[index]
  }

  /// The region in which a byte lies.
  private func index(of position: Int) -> Int {
    var (low, high) = (0, regions.count)
    while low < high {
      let middle = (low + high) / 2
      if starts[middle + 1] <= position { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
