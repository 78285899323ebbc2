import Tensors
import Testing

/// Blocks of quantised values are moved whole.
struct BlockTests {
  @Test func wholeBlocksMoveAndOthersDoNot() throws {
    let rows = StridedView(offset: 64, axes: [.init(3, 128), .init(64, 1)])
    let pairing = PairedView(source: rows, target: StridedView(contiguous: [3, 64]))
    let blocks = try #require(pairing.inBlocks(of: 32))
    var runs: [[Int]] = []
    blocks.forEachRun { runs.append([$0, $1, $2]) }
    #expect(runs == [[2, 0, 2], [6, 2, 2], [10, 4, 2]])
    let back = PairedView(source: StridedView(contiguous: [3, 64]), target: rows)
    runs = []
    try #require(back.inBlocks(of: 32)).forEachRun { runs.append([$0, $1, $2]) }
    #expect(runs == [[0, 2, 2], [2, 6, 2], [4, 10, 2]])
    for view in [
      StridedView(offset: 16, axes: [.init(3, 128), .init(64, 1)]),
      StridedView(offset: 0, axes: [.init(3, 80), .init(64, 1)]),
      StridedView(offset: 0, axes: [.init(64, 1), .init(3, 64)]),
    ] {
      let torn = PairedView(source: view, target: StridedView(contiguous: [192]))
      #expect(torn.inBlocks(of: 32) == nil)
    }
  }
}
