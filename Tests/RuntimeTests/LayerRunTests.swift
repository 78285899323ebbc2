import Canonical
import GraftTestSupport
import Testing

@testable import Runtime

/// Layers run by themselves, and sequences in turns, compute what they compute in a row.
@Suite struct LayerRunTests {
  static let models: [[Facts]] = [
    ModelTests.hybrid, [m2rnn(), gdn(["norm.placement": .word("post")])], [attention()],
  ]

  @Test(arguments: models.indices)
  func layersOnTheirOwnStreamsAgree(_ index: Int) throws {
    let model = try Model(try RandomModel.make(Self.models[index]))
    let workspace = try Workspace(model, threads: 1)
    let (together, apart) = (
      try SequenceState(model, capacity: 60), try SequenceState(model, capacity: 60)
    )
    for part in [tokens(37), tokens(1), tokens(22)] {
      var streams: [[Float]] = []
      let observer = ForwardObserver(hidden: { streams.append(Array($1.values)) })
      let logits = Array(
        try model.forward(part, together, workspace, observer: observer).values)
      for (layer, stream) in streams.dropLast().enumerated() {
        let rows = try model.forward(layer: layer, part, on: stream, apart, workspace)
        #expect(Array(rows.values) == streams[layer + 1])
      }
      let last = try #require(streams.last)
      #expect(Array(try model.logits(part, on: last, apart, workspace).values) == logits)
      apart.advance(by: part.count)
    }
    #expect(apart.position == together.position)
  }

  /// A layer that computes something else is found by itself, whatever the layers before it do.
  @Test func errorsOfOtherLayersDoNotCount() throws {
    let sound = try RandomModel.make(ModelTests.hybrid)
    var faulty = sound
    for layer in [0, 2] {
      let role = Role("mlp_norm", layer: layer)
      let values = try #require(sound.tensors[role]).floats().map { $0 * 1.5 }
      faulty.tensors[role] = CanonicalTensor(shape: [24], values: values, origin: "faulty")
    }
    let (model, other) = (try Model(sound), try Model(faulty))
    let workspace = try Workspace(model, threads: 1)
    var streams: [[Float]] = []
    let observer = ForwardObserver(hidden: { streams.append(Array($1.values)) })
    try model.forward(
      tokens(20), SequenceState(model, capacity: 20), workspace, observer: observer)
    #expect(try differingLayers(other, streams) == [0, 2])
    // One of both layers bound anew, from the sound model, leaves the other.
    let mended = try other.replacing(layer: 0, from: sound)
    #expect(try differingLayers(mended, streams) == [2])
  }

  private func differingLayers(_ model: Model, _ streams: [[Float]]) throws -> [Int] {
    let (state, workspace) = (
      try SequenceState(model, capacity: 20), try Workspace(model, threads: 1)
    )
    return try model.configuration.layers.indices.filter { layer in
      let rows = try model.forward(
        layer: layer, tokens(20), on: streams[layer], state, workspace)
      return Array(rows.values) != streams[layer + 1]
    }
  }

  @Test(arguments: 1...3)
  func promptsOfManyLengthsInTurnsAreAsOneByOne(_ seed: UInt64) throws {
    let canonical = try RandomModel.make(ModelTests.hybrid, seed: seed)
    let model = try Model(canonical)
    let workspace = try Workspace(model, threads: 1)
    var generator = SeededGenerator(seed: seed)
    let prompts = (0..<5).map { tokens(Int.random(in: 1...40, using: &generator), seed: $0) }
    let alone = try prompts.map {
      try logits(canonical, $0, segments: Array(repeating: 7, count: 6))
    }
    let states = try prompts.map { try SequenceState(model, capacity: $0.count) }
    var together: [[[Float]]] = prompts.map { _ in [] }
    for start in stride(from: 0, to: 40, by: 7) {
      for (index, prompt) in prompts.enumerated() where start < prompt.count {
        let part = Array(prompt[start..<min(start + 7, prompt.count)])
        let rows = try model.forward(part, states[index], workspace)
        together[index] += rows.positions.map { Array(rows[$0]) }
      }
    }
    #expect(together == alone)
  }
}
