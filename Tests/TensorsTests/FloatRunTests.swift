import GraftTestSupport
import Tensors
import Testing

/// Runs of elements are converted as single ones are.
@Suite struct FloatRunTests {
  private static let special: [Float] = [
    0, -0.0, 1, .infinity, -.infinity, .nan, 65504, 65520, 1e-8, 6e-8, 3.0e38, 1.00390625, 1.001,
  ]

  private func values(_ seed: UInt64) -> [Float] {
    var generator = SplitMix64(seed: seed)
    return Self.special
      + (0..<777).map { _ in Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &generator))
      }
      + (0..<333).map { _ in Float.random(in: -4...4, using: &generator) }
  }

  /// Finite values of every size that F16 has, halves between two of its values and of BF16 among
  /// them, so that whole blocks are rounded together.
  private func tame(_ seed: UInt64) -> [Float] {
    var generator = SplitMix64(seed: seed)
    return (0..<3000).map { index in
      let bits = UInt32.random(in: 0x3200_0000..<0x477f_e000, using: &generator)
      let kept = [UInt32.max, 0xffff_8000, 0xffff_f000, 0xffff_e000, 0xffff_0000][index % 5]
      return Float(bitPattern: bits & kept | (index % 2 == 0 ? 0x8000_0000 : 0))
    }
  }

  @Test(arguments: [ScalarType.f32, .bf16, .f16], [false, true])
  func aRunIsStoredAndLoadedLikeItsElements(type: ScalarType, isTame: Bool) throws {
    let values = isTame ? tame(7) : values(7)
    let width = try #require(type.byteWidth)
    let run = OwnedBytes(count: values.count * width)
    let single = OwnedBytes(count: values.count * width)
    var changed = 0
    for (index, value) in values.enumerated() {
      let stored = FloatBits.store(value, single.mutableBytes, index, type)
      if stored != value, !value.isNaN { changed += 1 }
    }
    let base = try #require(run.mutableBytes.baseAddress)
    #expect(FloatBits.store(values, count: values.count, to: base, type) == changed)
    #expect(run.bytes.elementsEqual(single.bytes))
    let range = 5..<(values.count - 3)
    let loaded = [Float](unsafeUninitializedCapacity: range.count) { buffer, filled in
      if let base = buffer.baseAddress { FloatBits.load(run.bytes, range, type, into: base) }
      filled = range.count
    }
    for (place, index) in range.enumerated() {
      let expected = FloatBits.load(run.bytes, index, type)
      #expect(loaded[place].bitPattern == expected.bitPattern, "\(index)")
    }
  }
}
