import Canonical
import Testing

@testable import Runtime

@Suite struct RotaryTableTests {
  private static let kind = RotaryTable.Kind(d: 8, θ: 10_000)

  private func configuration(_ more: Facts) throws -> ModelConfiguration {
    let facts: Facts = [
      "vocabulary": .integer(1), "hidden": .integer(1), "position": .word("rope"),
      "rope.theta": .number(10_000), "rope.dim": .integer(8),
    ]
    return try ModelConfiguration(model: facts.merging(more) { $1 }, layers: [])
  }

  @Test func plainFrequencies() throws {
    let table = RotaryTable(try configuration([:]), Self.kind)
    #expect(table.frequencies == [1, 0.1, 0.01, 0.001])
    #expect(table.magnitude == 1)
  }

  /// d = 8, θ = 10⁴, L = 4096, s = 4: corr(32) = 8 ln(4096 / 64π) / (2 ln 10⁴) = 1.3088, corr(1) =
  /// 2.8140…, so low = 1, high = 3 and the ramp is 0, 0, 1/2, 1.
  @Test func yarnByHand() throws {
    let table = try RotaryTable(
      configuration([
        "rope.scaling": .word("yarn"), "rope.factor": .number(4),
        "rope.original_positions": .integer(4096),
      ]), Self.kind)
    #expect(table.frequencies == [1, 0.1, 0.00625, 0.00025])
    #expect(abs(table.magnitude - 1.138_629_4) < 1e-6)
  }

  /// L = 32 gives corr(32) < 0 and corr(1) = 0.7069, so low = 0, high = 1.
  @Test func yarnOfAShortContext() throws {
    let table = try RotaryTable(
      configuration([
        "rope.scaling": .word("yarn"), "rope.factor": .number(2),
        "rope.original_positions": .integer(32),
      ]), Self.kind)
    #expect(table.frequencies == [1, 0.05, 0.005, 0.0005])
  }

  /// L = 6 gives low = high = 0, which becomes a step of 0.001.
  @Test func yarnWithoutARamp() throws {
    let table = try RotaryTable(
      configuration([
        "rope.scaling": .word("yarn"), "rope.factor": .number(0.5),
        "rope.original_positions": .integer(6),
      ]), Self.kind)
    #expect(table.frequencies == [1, 0.2, 0.02, 0.002])
    #expect(table.magnitude == 1)
  }

  @Test func cosinesCarryTheMagnitude() throws {
    let table = try RotaryTable(
      configuration([
        "rope.scaling": .word("yarn"), "rope.factor": .number(4),
        "rope.original_positions": .integer(4096),
      ]), Self.kind)
    let cosines = try FloatBuffer(8)
    let sines = try FloatBuffer(8)
    table.fill(positions: 9..<11, from: 0, of: 2, cosines: cosines.pointer, sines: sines.pointer)
    #expect(abs(cosines.pointer[0] - 1.138_629_4 * -0.911_130_26) < 1e-6)
    #expect(abs(sines.pointer[4] - 1.138_629_4 * -0.544_021_1) < 1e-6)
    #expect(abs(sines.pointer[5] - 1.138_629_4 * 0.841_470_98) < 1e-6)
  }
}
