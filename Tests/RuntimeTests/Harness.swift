import Canonical
import GraftTestSupport
import Testing

@testable import Runtime

/// A few token ids, repeatable.
func tokens(_ count: Int, seed: UInt64 = 7) -> [Int] {
  var generator = SeededGenerator(seed: seed)
  return (0..<count).map { _ in Int.random(in: 0..<50, using: &generator) }
}

/// The logits of every position, run in segments of the given lengths.
func logits(
  _ canonical: CanonicalModel, _ tokens: [Int], segments: [Int] = [], segmentLength: Int = 256,
  threads: Int = 1
) throws -> [[Float]] {
  let model = try Model(canonical)
  let workspace = try Workspace(model, segmentLength: segmentLength, threads: threads)
  let state = try SequenceState(model, capacity: tokens.count, segmentLength: segmentLength)
  var result: [[Float]] = []
  try model.run(tokens, state, workspace, segments: segments) { rows in
    result += rows.positions.map { Array(rows[$0]) }
  }
  return result
}

extension Model {
  /// Runs a prompt in segments of the given lengths; what is left runs in full ones.
  func run(
    _ tokens: [Int], _ state: SequenceState, _ workspace: Workspace, segments: [Int],
    _ body: (Rows) throws -> Void
  ) throws {
    var rest = tokens[...]
    for length in segments where length < rest.count {
      try run(Array(rest.prefix(length)), state, workspace, body)
      rest = rest.dropFirst(length)
    }
    try run(Array(rest), state, workspace, body)
  }
}

/// The largest difference of two results, in units of what the first one spreads.
func distance(_ got: [[Float]], _ expected: [[Double]]) -> Double {
  let all = expected.joined()
  let scale = max(1, (all.reduce(0) { $0 + $1 * $1 } / Double(all.count)).squareRoot())
  var worst = got.count == expected.count ? 0.0 : .infinity
  for (a, b) in zip(got.joined(), all) {
    let difference = abs(Double(a) - b)
    worst = difference.isNaN ? .infinity : max(worst, difference / scale)
  }
  return worst
}

func distance(_ got: [[Float]], _ expected: [[Float]]) -> Double {
  distance(got, expected.map { $0.map(Double.init) })
}

/// Checks a model against the plain arithmetic, in one piece and in ragged segments.
func expectAgreement(
  _ layers: [Facts], model: Facts = [:], count: Int = 11, seed: UInt64 = 1,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let canonical = try RandomModel.make(layers, model: model, seed: seed)
  let ids = tokens(count)
  let expected = ReferenceModel(model: canonical).logits(ids)
  let whole = distance(try logits(canonical, ids), expected)
  let ragged = distance(try logits(canonical, ids, segments: [1, 3, 1, 2]), expected)
  #expect(whole < 5e-5, "in one piece", sourceLocation: sourceLocation)
  #expect(ragged < 5e-5, "in segments", sourceLocation: sourceLocation)
}

/// The facts of a layer with a dense MLP.
func m2rnn(
  q: Int = 1, k: Int = 1, v: Int = 4, f: Int = 4, weight: Int = 4, _ more: Facts = [:]
) -> Facts {
  let heads = max(q, k, v, f, weight)
  let facts: Facts = [
    "mixer": .word("m2rnn"), "m2rnn.k_head_dim": .integer(7), "m2rnn.v_head_dim": .integer(5),
    "m2rnn.q_heads": .integer(q), "m2rnn.k_heads": .integer(k), "m2rnn.v_heads": .integer(v),
    "m2rnn.f_heads": .integer(f), "m2rnn.g_heads": .integer(heads),
    "m2rnn.weight_heads": .integer(weight), "m2rnn.taps": .integer(4),
    "m2rnn.activation": .word("silu"), "m2rnn.norm": .word("rmsnorm"),
    "m2rnn.residual": .flag(true),
  ]
  return facts.merging(more) { $1 }
}

func gdn(keyHeads: Int = 2, valueHeads: Int = 4, _ more: Facts = [:]) -> Facts {
  let facts: Facts = [
    "mixer": .word("gdn"), "gdn.k_heads": .integer(keyHeads), "gdn.v_heads": .integer(valueHeads),
    "gdn.k_head_dim": .integer(6), "gdn.v_head_dim": .integer(10), "gdn.taps": .integer(4),
    "gdn.gate": .word("after_norm"),
  ]
  return facts.merging(more) { $1 }
}

func attention(heads: Int = 4, kvHeads: Int = 2, _ more: Facts = [:]) -> Facts {
  let facts: Facts = [
    "mixer": .word("attention"), "attention.heads": .integer(heads),
    "attention.kv_heads": .integer(kvHeads), "attention.head_dim": .integer(6),
  ]
  return facts.merging(more) { $1 }
}
