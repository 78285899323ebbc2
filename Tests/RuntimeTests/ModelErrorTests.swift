import Canonical
import Diagnostics
import Testing

@testable import Runtime

@Suite struct ModelErrorTests {
  private func problem(
    _ layers: [Facts], model: Facts = [:], capacity: Int = 100, _ ids: [Int],
    segments: [Int] = []
  ) throws -> Problem? {
    let canonical = try RandomModel.make(layers, model: model)
    let bound = try Model(canonical)
    let workspace = try Workspace(bound, threads: 1)
    let state = try SequenceState(bound, capacity: capacity)
    return #expect(throws: Problem.self) {
      try bound.run(ids, state, workspace, segments: segments) { _ in }
    }
  }

  @Test func tokensOutsideTheVocabulary() throws {
    let found = try problem([gdn()], [1, 2, 50, 3], segments: [1])
    #expect(found?.kind == .invalid)
    #expect(found?.what == "the token at position 2 is not in the vocabulary")
    #expect(found?.found == "50")
    #expect(try problem([gdn()], [-1])?.what == "the token at position 0 is not in the vocabulary")
  }

  @Test func anEmptyPrompt() throws {
    #expect(try problem([gdn()], [])?.kind == .invalid)
  }

  @Test func segmentsThatDoNotFit() throws {
    let model = try Model(RandomModel.make([gdn()]))
    let state = try SequenceState(model, capacity: 8, segmentLength: 8)
    for (length, count, what) in [
      (8, 0, "there are no tokens to run"), (4, 5, "the segment is too long"),
      (16, 9, "the segment is too long"),
    ] {
      let workspace = try Workspace(model, segmentLength: length, threads: 1)
      let problem = try #require(throws: Problem.self) {
        try model.check([(tokens: tokens(count)[...], state: state)], workspace)
      }
      #expect(problem.kind == .invalid && problem.what == what)
    }
    try model.check([(tokens: tokens(8)[...], state: state)], Workspace(model, threads: 1))
    #expect(state.byteCount > 0)
  }

  @Test func positionsBeyondTheLearnedOnes() throws {
    let model: Facts = ["position": .word("learned"), "positions": .integer(4)]
    let found = try problem([gdn()], model: model, tokens(5), segments: [4])
    #expect(found?.what == "the sequence is longer than the learned positions")
    #expect(found?.found == "5 tokens")
  }

  @Test func moreTokensThanTheCapacity() throws {
    let found = try problem([gdn(), attention()], capacity: 4, tokens(5))
    #expect(found?.what == "the sequence is longer than the state's capacity")
  }

  @Test func recurrencesNeedNoCapacity() throws {
    let canonical = try RandomModel.make([
      gdn(), m2rnn(), attention(["attention.window": .integer(3)]),
    ])
    let model = try Model(canonical)
    let state = try SequenceState(model, capacity: 1, segmentLength: 8)
    let workspace = try Workspace(model, segmentLength: 8, threads: 1)
    let ids = tokens(30)
    var got: [[Float]] = []
    try model.run(ids, state, workspace) { rows in got += rows.positions.map { Array(rows[$0]) } }
    #expect(distance(got, ReferenceModel(model: canonical).logits(ids)) < 5e-5)
  }

  @Test func carriedMixersAreNamedWhenRun() throws {
    let found = try problem([gdn(), ["mixer": .word("mamba2")]], [1])
    #expect(found?.kind == .unsupported)
    #expect(found?.layer == 1)
    #expect(found?.found == "mamba2")
    #expect(found?.exitCode == 69)
  }

  @Test func missingAndMisshapenTensors() throws {
    var canonical = try RandomModel.make([gdn()])
    let role = Role("gdn.k", layer: 0)
    canonical.tensors[role] = CanonicalTensor(
      shape: [2, 2], values: [1, 2, 3, 4], origin: "some.weight")
    let shape = #expect(throws: Problem.self) { try Model(canonical) }
    #expect(shape?.tensor == "some.weight")
    #expect(shape?.found == "[2, 2]")
    canonical.tensors[role] = nil
    let missing = #expect(throws: Problem.self) { try Model(canonical) }
    #expect(missing?.what == "the model has no gdn.k of layer 0")
  }
}
