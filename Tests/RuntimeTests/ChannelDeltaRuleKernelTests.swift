import Kernels
import Tensors
import Testing

@testable import Runtime

@Suite struct ChannelDeltaRuleKernelTests {
  /// Sizes around the width of a chunk, of a block and of a vector; decays down to those that leave nothing.
  @Test(arguments: [
    (d: 1, steps: 1, least: 0.5), (d: 5, steps: 37, least: 0.01), (d: 16, steps: 16, least: 0.5),
    (d: 33, steps: 17, least: 1e-30), (d: 130, steps: 50, least: 0.3),
  ])
  func agreesWithTheRecurrence(d: Int, steps: Int, least: Float) throws {
    let example = ChannelDeltaRuleExample(d: d, steps: steps, least: least)
    let expected = example.stepByStep()
    for kernels in runnableKernels() {
      let outputs = try example.run(kernels.channelDeltaRule)
      let worst = zip(outputs, expected).map { abs(Double($0) - $1) }.max() ?? .infinity
      #expect(worst < 3e-6, "\(kernels.name)")
    }
  }

  @Test func futureStepsDoNotReachBack() throws {
    var example = ChannelDeltaRuleExample(d: 8, steps: 16, least: 0.5)
    for index in 9 * 24..<10 * 24 { example.rows[index] = .nan }
    for kernels in runnableKernels() {
      let outputs = try example.run(kernels.channelDeltaRule)
      #expect(outputs[..<(9 * 8)].allSatisfy { $0.isFinite })
      #expect(outputs[(9 * 8)...].allSatisfy { $0.isNaN })
    }
  }
}

/// One head with random queries, keys, values and gates.
private struct ChannelDeltaRuleExample {
  let d, steps: Int
  /// `[steps, 3 d]`: q, k and v.
  var rows: [Float]
  /// `[steps, d]`
  let gamma: [Float]
  let beta: [Float]

  init(d: Int, steps: Int, least: Float) {
    var random = SplitMix64(seed: UInt64(d * 1_000 + steps))
    (self.d, self.steps) = (d, steps)
    rows = (0..<steps * 3 * d).map { _ in Float.random(in: -1...1, using: &random) }
    gamma = (0..<steps * d).map { _ in Float.random(in: least...1, using: &random) }
    beta = (0..<steps).map { _ in Float.random(in: 0...1, using: &random) }
  }

  /// The outputs of the kernel, `[steps, d]`.
  func run(_ rule: any ChannelDeltaRuleKernels.Type) throws -> [Float] {
    let blocks = (d + rule.blockWidth - 1) / rule.blockWidth
    let states = try FloatBuffer(blocks * d * rule.blockWidth)
    let packed = try FloatBuffer(rule.packedCount(dk: d))
    let scratch = try FloatBuffer(rule.scratchCount)
    let (inputs, outputs) = (try FloatBuffer(rows), try FloatBuffer(steps * d))
    let (decays, rates) = (try FloatBuffer(gamma), try FloatBuffer(beta))
    for first in Swift.stride(from: 0, to: steps, by: rule.chunk) {
      let count = min(rule.chunk, steps - first)
      let q = inputs.pointer + first * 3 * d
      let keys = DeltaRuleKeys(
        q: FloatRows(q, stride: 3 * d), k: FloatRows(q + d, stride: 3 * d), steps: count, dk: d)
      rule.pack(
        keys, gamma: FloatRows(decays.pointer + first * d, stride: d), epsilon: 1e-6, scale: 0.5,
        packed: packed.pointer)
      for block in 0..<blocks {
        let column = block * rule.blockWidth
        let steps = ChannelDeltaRuleInputs(
          packed: packed.pointer, v: FloatRows(q + 2 * d + column, stride: 3 * d),
          beta: FloatRows(rates.pointer + first, stride: 1), steps: count)
        rule.scan(
          steps,
          state: DeltaRuleState(
            states.pointer + block * d * rule.blockWidth, dk: d,
            columns: min(rule.blockWidth, d - column)),
          o: MutableFloatRows(outputs.pointer + first * d + column, stride: d),
          scratch: scratch.pointer)
      }
    }
    return Array(UnsafeBufferPointer(start: outputs.pointer, count: outputs.count))
  }

  /// The outputs of the recurrence in double precision.
  func stepByStep() -> [Double] {
    var state = [[Double]](repeating: [Double](repeating: 0, count: d), count: d)
    return (0..<steps).flatMap { t -> [Double] in
      let row = rows[t * 3 * d..<(t + 1) * 3 * d].map(Double.init)
      let (q, k) = (unit(row[..<d], 0.5), unit(row[d..<2 * d], 1))
      for i in 0..<d { state[i] = state[i].map { $0 * Double(gamma[t * d + i]) } }
      let read = product(k, state)
      for i in 0..<d {
        for j in 0..<d { state[i][j] += k[i] * Double(beta[t]) * (row[2 * d + j] - read[j]) }
      }
      return product(q, state)
    }
  }

  private func unit(_ x: ArraySlice<Double>, _ length: Double) -> [Double] {
    let factor = length / (x.reduce(1e-6) { $0 + $1 * $1 }).squareRoot()
    return x.map { $0 * factor }
  }

  private func product(_ x: [Double], _ matrix: [[Double]]) -> [Double] {
    (0..<d).map { j in (0..<d).reduce(0) { $0 + x[$1] * matrix[$1][j] } }
  }
}
