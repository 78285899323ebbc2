import Testing

@testable import Tensors

/// Blocks of quantised values: rounding into them and moving them whole.
struct BlockTests {
  /// The rule of ggml, in its plainest form.
  private func plain(_ values: [Float]) -> [Float] {
    let largest = values.map { abs($0) }.max() ?? 0
    let scale = largest / 127
    let stored = FloatBits.float(f16: FloatBits.f16(scale))
    return values.map { value in
      let level = scale == 0 ? 0 : value * (1 / scale)
      let whole = abs(level).rounded(.down)
      let rounded = whole + (2 * (abs(level) - whole)).rounded(.down)
      return stored * (level < 0 ? -rounded : rounded)
    }
  }

  @Test(arguments: 0..<50)
  func roundsAsGGMLDoes(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let size = Float(random.uniform() * 4)
    let values = (0..<64).map { _ in size * Float(random.uniform() - 0.5) }
    let bytes = OwnedBytes(count: 68)
    let changed = BlockQuantisation.q8Zero(values, blocks: 2, to: bytes.mutableBytes)
    let read = (0..<64).map { FloatBits.load(bytes.bytes, $0, .q8Zero) }
    let expected = plain(Array(values[..<32])) + plain(Array(values[32...]))
    #expect(read == expected)
    #expect(changed == zip(values, expected).filter { $0 != $1 }.count)
  }

  @Test func halvesAreRoundedAwayFromZero() {
    var values = [Float](repeating: 0, count: 32)
    (values[0], values[1], values[2]) = (127, 0.5, -2.5)
    let bytes = OwnedBytes(count: 34)
    _ = BlockQuantisation.q8Zero(values, blocks: 1, to: bytes.mutableBytes)
    #expect((0..<3).map { FloatBits.load(bytes.bytes, $0, .q8Zero) } == [127, 1, -3])
  }

  @Test(arguments: [Float.infinity, -.infinity, .nan, .greatestFiniteMagnitude])
  func oddValuesDoNotTrap(_ value: Float) {
    let bytes = OwnedBytes(count: 34)
    let changed = BlockQuantisation.q8Zero(
      [value] + [Float](repeating: 1, count: 31), blocks: 1, to: bytes.mutableBytes)
    #expect(changed > 0)
  }

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
