import GraftTestSupport
import Packing
import Tensors
import Testing

/// How far apart levels lie is told for every way of packing, and values are moved by no more than half of it.
@Suite struct LevelSpacingTests {
  private static let blocks: [ScalarType] = [
    .q4Zero, .q4One, .q5Zero, .q5One, .q8Zero, .q2K, .q3K, .q4K, .q5K, .q6K, .tq2Zero,
  ]

  /// A weight of random codes; halves that are scales are made small numbers.
  private func weight(_ type: ScalarType, blocks: Int) -> any PackedWeight {
    var generator = SeededGenerator(seed: 5)
    let unit = type.unit
    let bytes = (0..<blocks * unit.bytes).map { _ in UInt8.random(in: 0...47, using: &generator) }
    return PackedPart(
      name: type.rawValue, type: type, shape: [blocks * unit.elements],
      region: ByteRegion(OwnedBytes(bytes))
    ).weight
  }

  private func spacing(_ weight: any PackedWeight) throws -> [Float] {
    try weight.spacings.values()
  }

  /// Values of one group are whole multiples of the spacing apart.
  @Test(arguments: blocks) func blocksHaveOneSpacingForAGroup(_ type: ScalarType) throws {
    let weight = weight(type, blocks: 3)
    let (values, spacing) = (try weight.values(), try spacing(weight))
    let group = try #require(StoredValues.scheme(of: type)?.group)
    for start in stride(from: 0, to: values.count, by: group) {
      for index in start..<start + group where spacing[index] > 0 {
        let steps = (values[index] - values[start]) / spacing[index]
        #expect(abs(steps - steps.rounded()) < 0.02, "\(type) \(index)")
      }
    }
    #expect(spacing.contains { $0 > 0 })
  }

  @Test(arguments: PackedCase.all) func everyWeightHasASpacing(packed: PackedCase) throws {
    let parts = try packed.parts()
    for entry in packed.weights {
      let weight = try #require(try packed.open(entry, parts))
      let (values, spacing) = (try weight.values(), try spacing(weight))
      #expect(spacing.allSatisfy { $0.isFinite && $0 >= 0 }, "\(entry.module)")
      let deviation = (values.reduce(0) { $0 + $1 * $1 } / Float(values.count)).squareRoot()
      let mean = spacing.reduce(0, +) / Float(spacing.count)
      #expect(mean > deviation / 200 && mean < 3 * deviation, "\(entry.module)")
      try expectMoves(weight, values, spacing)
      for run in [1..<5, values.count / 2..<values.count - 1] {
        #expect(try weight.spacings.values(run) == Array(spacing[run]))
      }
    }
  }

  private func expectMoves(_ weight: any PackedWeight, _ values: [Float], _ spacing: [Float]) throws
  {
    let moved = try weight.roundedAgain(1).values()
    let parts = values.indices.map { (moved[$0] - values[$0]) / max(spacing[$0], 1e-30) }
    #expect(parts.allSatisfy { abs($0) <= 0.51 })
    let square = parts.reduce(0) { $0 + $1 * $1 } / Float(parts.count)
    #expect(abs(square * 12 - 1) < 0.25)
    #expect(try weight.roundedAgain(1).values(3..<9) == Array(moved[3..<9]))
    #expect(try weight.roundedAgain(2).values() != moved)
  }

  @Test func floatsOfFourBitsCountBothSides() throws {
    let weight = PackedPart(
      name: "w", type: .bf16, shape: [3],
      region: ByteRegion(OwnedBytes([0x80, 0x3f, 0x00, 0x40, 0x00, 0x00] as [UInt8]))
    ).weight
    #expect(try spacing(weight).prefix(2) == [0x1p-7, 0x1p-6])
  }
}
