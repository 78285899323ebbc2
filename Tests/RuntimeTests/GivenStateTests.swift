import Canonical
import GraftTestSupport
import Testing

@testable import Runtime

/// A sequence of M²RNN layers that begins with given states goes on from them.
@Suite struct GivenStateTests {
  private static let layers = [
    m2rnn(), m2rnn(q: 4, k: 1, v: 2, f: 2, weight: 1), m2rnn(v: 1, f: 1),
  ]

  /// Distinct values for every state, `[K][V]` by layer and head.
  private func states(_ canonical: CanonicalModel, seed: UInt64) -> [Int: [[Row]]] {
    var generator = SeededGenerator(seed: seed)
    var states: [Int: [[Row]]] = [:]
    for (index, layer) in canonical.configuration.layers.enumerated() {
      guard case .m2rnn(let m) = layer.mixer else { continue }
      states[index] = (0..<m.heads).map { _ in
        (0..<m.keyDim).map { _ in (0..<m.valueDim).map { _ in Double(generator.float()) } }
      }
    }
    return states
  }

  private func recurrent(_ sequence: SequenceState, _ layer: Int) throws -> RecurrentState {
    try #require(sequence.states[layer] as? RecurrentState)
  }

  private func sequence(_ model: Model, beginning states: [Int: [[Row]]]) throws -> SequenceState {
    let sequence = try SequenceState(model, capacity: 100)
    for (layer, heads) in states {
      let matrices = try recurrent(sequence, layer).matrices
      let width = matrices.count / heads.joined().count
      for (row, values) in heads.joined().enumerated() {
        for (column, value) in values.enumerated() {
          matrices.pointer[row * width + column] = Float(value)
        }
      }
    }
    return sequence
  }

  /// The logits of all positions, then the states at the end.
  private func run(
    _ model: Model, _ ids: [Int], from states: [Int: [[Row]]], segments: [Int] = [],
    segmentLength: Int = 256
  ) throws -> (logits: [[Float]], states: [[Float]]) {
    let sequence = try sequence(model, beginning: states)
    let workspace = try Workspace(model, segmentLength: segmentLength, threads: 1)
    var logits: [[Float]] = []
    try model.run(ids, sequence, workspace, segments: segments) { rows in
      logits += rows.positions.map { Array(rows[$0]) }
    }
    let ends = try model.layers.indices.map { layer in
      let matrices = try recurrent(sequence, layer).matrices
      return Array(UnsafeBufferPointer(start: matrices.pointer, count: matrices.count))
    }
    return (logits, ends)
  }

  @Test(arguments: 1...4)
  func agreesWithThePlainArithmetic(_ seed: UInt64) throws {
    let canonical = try RandomModel.make(Self.layers, seed: seed)
    let states = states(canonical, seed: seed + 10)
    let ids = tokens(9, seed: seed)
    let expected = ReferenceModel(model: canonical, states: states).logits(ids)
    let got = try run(Model(canonical), ids, from: states).logits
    #expect(distance(got, expected) < 5e-5)
    #expect(distance(got, ReferenceModel(model: canonical).logits(ids)) > 1e-2)
  }

  @Test(arguments: 1...4)
  func anySplitIsOnePiece(_ seed: UInt64) throws {
    let canonical = try RandomModel.make(Self.layers, seed: seed)
    let model = try Model(canonical)
    let states = states(canonical, seed: seed + 10)
    let ids = tokens(60, seed: seed)
    let whole = try run(model, ids, from: states)
    var generator = SeededGenerator(seed: seed)
    let ragged = (0..<60).map { _ in Int.random(in: 1...20, using: &generator) }
    for split in [[1], [59], [30, 1], ragged] {
      let parts = try run(model, ids, from: states, segments: split)
      #expect(distance(parts.logits, whole.logits) < 2e-5, "\(split)")
      #expect(distance(parts.states, whole.states) < 2e-5, "\(split)")
    }
    let steps = try run(model, ids, from: states, segmentLength: 1)
    #expect(distance(steps.logits, whole.logits) < 2e-5)
    #expect(distance(steps.states, whole.states) < 2e-5)
  }
}
