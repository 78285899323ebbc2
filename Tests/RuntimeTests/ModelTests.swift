import Canonical
import Diagnostics
import GraftTestSupport
import Tensors
import Testing

@testable import Runtime

@Suite struct ModelTests {
  static let hybrid = [gdn(), m2rnn(), attention(["attention.gate": .flag(true)]), gdn()]

  @Test(
    arguments: [
      [:], ["tied": .flag(true)], ["norm": .word("layernorm")], ["norm.zero_centred": .flag(true)],
      ["norm.eps": .number(0.01)], ["embedding.scale": .number(3)],
      ["residual.scale": .number(0.4)],
      ["logits.divisor": .number(4)],
    ] as [Facts])
  func everyModelOption(_ model: Facts) throws {
    try expectAgreement(Self.hybrid, model: model)
  }

  @Test func normsAfterTheirBlocks() throws {
    let post: Facts = ["norm.placement": .word("post")]
    try expectAgreement([attention(post), gdn(), m2rnn(post)])
  }

  @Test(arguments: [ScalarType.bf16, .f16])
  func sixteenBitWeights(_ type: ScalarType) throws {
    let canonical = try RandomModel.make(Self.hybrid, type: type)
    let ids = tokens(11)
    let expected = ReferenceModel(model: canonical).logits(ids)
    #expect(try distance(logits(canonical, ids), expected) < 5e-5)
    #expect(try distance(logits(canonical, ids, segmentLength: 1), expected) < 5e-5)
  }

  @Test(arguments: 1...6)
  func anySplitGivesTheSameLogits(_ seed: UInt64) throws {
    let canonical = try RandomModel.make(Self.hybrid, seed: seed)
    var generator = SeededGenerator(seed: seed)
    let ids = tokens(75)
    let whole = try logits(canonical, ids)
    let segments = (0..<75).map { _ in Int.random(in: 1...20, using: &generator) }
    #expect(try distance(logits(canonical, ids, segments: segments), whole) < 2e-5)
    #expect(try distance(logits(canonical, ids, segmentLength: 1), whole) < 2e-5)
  }

  @Test func threadsChangeNothing() throws {
    let moe: Facts = [
      "mlp": .word("moe"), "moe.experts": .integer(5), "moe.experts_per_token": .integer(2),
    ]
    let canonical = try RandomModel.make(Self.hybrid + [gdn(moe)])
    let ids = tokens(70)
    let one = try logits(canonical, ids, segments: [33, 1])
    for threads in [2, 3, 7] {
      #expect(try logits(canonical, ids, segments: [33, 1], threads: threads) == one)
    }
  }

  @Test func aCopyGoesItsOwnWay() throws {
    let canonical = try RandomModel.make(Self.hybrid)
    let model = try Model(canonical)
    let workspace = try Workspace(model, threads: 1)
    let state = try SequenceState(model, capacity: 100)
    try model.forward(tokens(70), state, workspace)
    let copy = try state.copy()
    let first = Array(try model.forward([3, 4], state, workspace).values)
    let other = Array(try model.forward([5, 4], copy, workspace).values)
    #expect(first != other)
    #expect(copy.position == 72)
    state.reset()
    try model.forward(tokens(70), state, workspace)
    #expect(Array(try model.forward([3, 4], state, workspace).values) == first)
  }

  @Test func theLastPositionAlone() throws {
    let canonical = try RandomModel.make(Self.hybrid)
    let model = try Model(canonical)
    let workspace = try Workspace(model, segmentLength: 4, threads: 1)
    let ids = tokens(10)
    let all = try logits(canonical, ids, segmentLength: 4)
    let state = try SequenceState(model, capacity: 10)
    var calls: [Range<Int>] = []
    try model.run(ids, state, workspace, logits: .last) { rows in
      calls.append(rows.positions)
      #expect(distance([Array(rows[9])], [all[9]]) < 1e-5)
    }
    #expect(calls == [9..<10])
  }

  @Test func observersSeeHiddenRowsAndMixers() throws {
    let canonical = try RandomModel.make([gdn(["norm.placement": .word("post")]), m2rnn()])
    let model = try Model(canonical)
    let workspace = try Workspace(model, segmentLength: 4, threads: 1)
    let state = try SequenceState(model, capacity: 10)
    var hidden: [Int: [Float]] = [:]
    var inputs: [Int: [Float]] = [:]
    let observer = ForwardObserver {
      hidden[$0, default: []] += $1.values
    } mixer: {
      inputs[$0, default: []] += $1.values
      #expect($1.positions == $2.positions && $2.width == 24)
    }
    try model.observe(tokens(10), state, workspace, observer)
    #expect(hidden.keys.sorted() == [0, 1, 2])
    #expect(hidden.values.allSatisfy { $0.count == 240 })
    #expect(inputs[0] == hidden[0])  // the norm comes later
    #expect(inputs[1] != hidden[1])
  }

  @Test(arguments: ["gdn.v", "m2rnn.k", "attention.k", "mlp.up"])
  func aNaNIsNeverSwallowed(_ name: String) throws {
    var canonical = try RandomModel.make([gdn(), m2rnn(), attention()])
    let layer = ["gdn.v": 0, "m2rnn.k": 1, "attention.k": 2, "mlp.up": 1][name]
    let role = Role(name, layer: layer)
    let tensor = try canonical.tensor(role)
    var values = try tensor.floats()
    values[5] = .nan
    canonical.tensors[role] = CanonicalTensor(shape: tensor.shape, values: values, origin: name)
    let got = try logits(canonical, tokens(9))
    #expect(got.joined().allSatisfy { $0.isNaN })
  }
}
