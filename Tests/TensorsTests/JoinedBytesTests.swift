import Tensors
import Testing

/// Regions end to end read as one.
@Suite struct JoinedBytesTests {
  private static let parts: [[UInt8]] = [[0, 1, 2], [], [3], [4, 5, 6, 7]]

  private let joined = JoinedBytes(
    parts.map { ByteRegion(OwnedBytes(Array([9, 9] + $0)), 2..<2 + $0.count) })

  @Test func everyRangeIsRead() throws {
    #expect(joined.count == 8)
    for start in 0...8 {
      for end in start...8 {
        let bytes = try joined.withBytes(in: start..<end) { Array($0) }
        #expect(bytes == (start..<end).map(UInt8.init))
      }
    }
  }

  @Test func allBytesAreKeptOnceAskedFor() throws {
    #expect(try Array(joined.bytes) == (0..<8).map(UInt8.init))
    joined.release(2..<6)
    #expect(try joined.withBytes(in: 1..<7) { Array($0) } == (1..<7).map(UInt8.init))
  }
}
