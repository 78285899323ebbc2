import Diagnostics
import Runtime
import Tensors

/// Continues a prompt token by token with carried state.
public struct Sampler: Sendable {
  /// What logits are divided by; 0 takes the largest logit.
  public let temperature: Double
  /// The seed of the draws.
  public let seed: UInt64

  /// A greedy sampler, or a seeded one.
  public init(temperature: Double = 0, seed: UInt64 = 0) {
    self.temperature = temperature
    self.seed = seed
  }

  /// Generates tokens and hands each out as it is chosen.
  /// - Parameters:
  ///   - threads: 0 for all cores.
  ///   - body: called with each token; generation ends where it returns false.
  /// - Throws: `Problem` where the prompt cannot be run.
  public func generate(
    _ model: Model, prompt: [Int], count: Int, threads: Int, _ body: (Int) throws -> Bool
  ) throws {
    let workspace = try Workspace(model, threads: threads)
    let state = try SequenceState(model, capacity: prompt.count + count)
    var draws = SplitMix64(seed: seed)
    var token = 0
    try model.run(prompt, state, workspace, logits: .last) { rows in
      token = choose(rows[prompt.count - 1], &draws)
    }
    for index in 0..<count {
      guard try body(token), index + 1 < count else { return }
      let rows = try model.forward([token], state, workspace, logits: .last)
      token = choose(rows.values, &draws)
    }
  }

  private func choose(_ logits: UnsafeBufferPointer<Float>, _ draws: inout SplitMix64) -> Int {
    guard temperature > 0 else { return LogitComparison.argmax(logits) }
    // The largest logit becomes 0, so that no temperature, however low, overflows.
    let largest = Double(logits[LogitComparison.argmax(logits)])
    let scaled = logits.map { Float((Double($0) - largest) / temperature) }
    return scaled.withUnsafeBufferPointer { scaled in
      let norm = LogitComparison.logSumExp(scaled)
      var rest = draws.uniform()
      for index in scaled.indices {
        rest -= (Double(scaled[index]) - norm).exponential
        if rest < 0 { return index }
      }
      return LogitComparison.argmax(scaled)
    }
  }
}
