import Kernels
import Tensors
import Testing

@testable import Runtime

@Suite struct DeltaRuleKernelTests {
  /// Sizes around the width of a chunk, of a block and of a vector.
  @Test(arguments: [
    (dk: 1, dv: 1, steps: 1), (dk: 5, dv: 7, steps: 37), (dk: 16, dv: 33, steps: 16),
    (dk: 24, dv: 32, steps: 17), (dk: 130, dv: 20, steps: 50),
  ])
  func agreesWithTheRecurrence(dk: Int, dv: Int, steps: Int) throws {
    let example = DeltaRuleExample(dk: dk, dv: dv, steps: steps)
    let expected = example.stepByStep()
    for kernels in runnableKernels() {
      let outputs = try example.run(kernels.deltaRule)
      let worst = zip(outputs, expected).map { abs(Double($0) - $1) }.max() ?? .infinity
      #expect(worst < 2e-6, "\(kernels.name)")
    }
  }

  @Test func futureStepsDoNotReachBack() throws {
    var example = DeltaRuleExample(dk: 8, dv: 8, steps: 16)
    for index in 9 * example.stride..<10 * example.stride { example.rows[index] = .nan }
    for kernels in runnableKernels() {
      let outputs = try example.run(kernels.deltaRule)
      #expect(outputs[..<(9 * 8)].allSatisfy { $0.isFinite })
      #expect(outputs[(9 * 8)...].allSatisfy { $0.isNaN })
    }
  }
}

/// One head with random queries, keys, values and gates.
private struct DeltaRuleExample {
  let dk, dv, steps: Int
  /// `[steps, dk + dk + dv]`: q, k and v.
  var rows: [Float]
  let gamma, beta: [Float]

  var stride: Int { 2 * dk + dv }

  init(dk: Int, dv: Int, steps: Int) {
    var random = SplitMix64(seed: UInt64(dk * 1_000 + steps))
    (self.dk, self.dv, self.steps) = (dk, dv, steps)
    rows = (0..<steps * (2 * dk + dv)).map { _ in Float.random(in: -1...1, using: &random) }
    gamma = (0..<steps).map { _ in Float.random(in: 0.5...1, using: &random) }
    beta = (0..<steps).map { _ in Float.random(in: 0...2, using: &random) }
  }

  /// The outputs of the kernel, `[steps, dv]`.
  func run(_ rule: any DeltaRuleKernels.Type) throws -> [Float] {
    let blocks = (dv + rule.blockWidth - 1) / rule.blockWidth
    let states = try FloatBuffer(blocks * dk * rule.blockWidth)
    let packed = try FloatBuffer(rule.packedCount(dk: dk))
    let scratch = try FloatBuffer(rule.scratchCount)
    let (inputs, outputs) = (try FloatBuffer(rows), try FloatBuffer(steps * dv))
    let (gates, rates) = (try FloatBuffer(gamma), try FloatBuffer(beta))
    for first in Swift.stride(from: 0, to: steps, by: rule.chunk) {
      let count = min(rule.chunk, steps - first)
      let q = inputs.pointer + first * stride
      let keys = DeltaRuleKeys(
        q: FloatRows(q, stride: stride), k: FloatRows(q + dk, stride: stride), steps: count, dk: dk)
      rule.pack(keys, epsilon: 1e-6, scale: 0.5, packed: packed.pointer)
      for block in 0..<blocks {
        let column = block * rule.blockWidth
        let steps = DeltaRuleInputs(
          packed: packed.pointer, v: FloatRows(q + 2 * dk + column, stride: stride),
          gamma: FloatRows(gates.pointer + first, stride: 1),
          beta: FloatRows(rates.pointer + first, stride: 1), steps: count)
        rule.scan(
          steps,
          state: DeltaRuleState(
            states.pointer + block * dk * rule.blockWidth, dk: dk,
            columns: min(rule.blockWidth, dv - column)),
          o: MutableFloatRows(outputs.pointer + first * dv + column, stride: dv),
          scratch: scratch.pointer)
      }
    }
    return Array(UnsafeBufferPointer(start: outputs.pointer, count: outputs.count))
  }

  /// The outputs of the recurrence in double precision.
  func stepByStep() -> [Double] {
    var state = [[Double]](repeating: [Double](repeating: 0, count: dv), count: dk)
    return (0..<steps).flatMap { t -> [Double] in
      let row = rows[t * stride..<(t + 1) * stride].map(Double.init)
      let q = unit(row[..<dk], 0.5)
      let k = unit(row[dk..<2 * dk], 1)
      for i in 0..<dk { state[i] = state[i].map { $0 * Double(gamma[t]) } }
      let read = product(k, state)
      for i in 0..<dk {
        for j in 0..<dv { state[i][j] += k[i] * Double(beta[t]) * (row[2 * dk + j] - read[j]) }
      }
      return product(q, state)
    }
  }

  private func unit(_ x: ArraySlice<Double>, _ length: Double) -> [Double] {
    let factor = length / (x.reduce(1e-6) { $0 + $1 * $1 }).squareRoot()
    return x.map { $0 * factor }
  }

  private func product(_ x: [Double], _ matrix: [[Double]]) -> [Double] {
    (0..<dv).map { j in (0..<dk).reduce(0) { $0 + x[$1] * matrix[$1][j] } }
  }
}
