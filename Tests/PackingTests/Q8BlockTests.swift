import Packing
import Tensors
import Testing

/// Rounding into blocks of Q8_0.
struct Q8BlockTests {
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

  /// What blocks make of values, and how many changed.
  private func stored(_ values: [Float]) throws -> (values: [Float], changed: Int) {
    let blocks = values.count / 32
    let bytes = OwnedBytes(count: blocks * 34)
    let place = try #require(bytes.mutableBytes.baseAddress)
    let changed = StoredValues.store(values, blocks: blocks, to: place, .q8Zero).changed
    return (try BlockValueTests.values(ByteRegion(bytes), 0..<values.count, .q8Zero), changed)
  }

  @Test(arguments: 0..<50)
  func roundsAsGGMLDoes(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let size = Float(random.uniform() * 4)
    let values = (0..<64).map { _ in size * Float(random.uniform() - 0.5) }
    let read = try stored(values)
    let expected = plain(Array(values[..<32])) + plain(Array(values[32...]))
    #expect(read.values == expected)
    #expect(read.changed == zip(values, expected).filter { $0 != $1 }.count)
  }

  @Test func halvesAreRoundedAwayFromZero() throws {
    var values = [Float](repeating: 0, count: 32)
    (values[0], values[1], values[2]) = (127, 0.5, -2.5)
    #expect(try stored(values).values[..<3] == [127, 1, -3])
  }

  @Test(arguments: [Float.infinity, -.infinity, .nan, .greatestFiniteMagnitude])
  func oddValuesDoNotTrap(_ value: Float) throws {
    #expect(try stored([value] + [Float](repeating: 1, count: 31)).changed > 0)
  }
}
