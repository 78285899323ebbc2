import Diagnostics
import GraftTestSupport
import SystemPackage
import Tensors
import Testing

@testable import Containers

/// Tensors read in pieces have the bytes that they have as a whole.
@Suite struct WindowedReadingTests {
  /// Entries that are decompressed, tensors that lie strided in their storage, and pieces of several
  /// files.
  @Test(
    arguments: [
      "npz/deflated.npz", "npz/mlx-deflated.npz", "npz/stored.npz", "torch/deflated.pt", "dcp/mesh",
    ], 0..<4)
  func piecesAreThoseOfTheWhole(fixture: String, seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let path = Fixtures.path("containers/\(fixture)")
    let whole = try StoredCheckpoint.open(path).tensors.map(\.contents)
    for (tensor, whole) in zip(try StoredCheckpoint.open(path).tensors, whole) {
      #expect(whole.count == tensor.byteCount)
      let reader = RegionReader(tensor.region)
      for _ in 0..<20 {
        let start = Int.random(in: 0...whole.count, using: &generator)
        let range = start..<Int.random(in: start...whole.count, using: &generator)
        let piece = try reader.withBytes(in: range) { Array($0) }
        #expect(piece == Array(whole[range]), "\(tensor.name) \(range)")
      }
      var windows: [UInt8] = []
      try tensor.region.forEachWindow(of: Int.random(in: 1...99, using: &generator)) {
        windows += Array($0)
      }
      #expect(windows == whole, "\(tensor.name)")
    }
  }

  @Test func equalBytesAreSeen() throws {
    let bytes = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) }
    let region = ByteRegion(OwnedBytes(copying: [1, 2] + bytes))
    let same = ByteRegion(region.storage, 2..<region.count)
    #expect(try same.holdsSameBytes(as: ByteRegion(OwnedBytes(copying: bytes))))
    var other = bytes
    other[699_999] ^= 1
    #expect(try !same.holdsSameBytes(as: ByteRegion(OwnedBytes(copying: other))))
    #expect(try !same.holdsSameBytes(as: ByteRegion(OwnedBytes(copying: Array(bytes.dropLast())))))
  }

  /// Memory that cannot be had is an error.
  @Test func tooMuchMemoryIsAnError() throws {
    #expect(throws: Problem.self) { try OwnedBytes(reserving: 1 << 60) }
    let huge = DeferredBytes(count: 1 << 60) { _, _ in }
    #expect(throws: Problem.self) { try huge.bytes }
  }
}
