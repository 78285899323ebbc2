import Canonical
import GraftTestSupport
import LinearAlgebra
import Splicing
import Testing

/// What a layer takes over from the one it replaces.
@Suite struct TransferTests {
  /// A model of one GDN layer with random weights; two value heads of dim 6 read each key head.
  private func model(_ keyHeads: Int, _ keyDim: Int, gate: GatedDeltaNet.Gate = .beforeNorm)
    -> CanonicalModel
  {
    var model = PaperModels.hybrid(hidden: 20, heads: keyHeads, keyDim: keyDim, valueDim: 6)
    var mixer = model.configuration.layers[0].mixer.gdn ?? GatedDeltaNet()
    (mixer.valueHeads, mixer.gate) = (2 * keyHeads, gate)
    model.configuration.layers[0].mixer = .gatedDeltaNet(mixer)
    var generator = SeededGenerator(seed: 3)
    for name in ["q", "k", "v", "z", "a", "b", "o", "conv.q", "conv.k", "conv.v"]
      + ["A_log", "dt_bias", "norm"] where name != "z" || gate != .none
    {
      let role = Role("gdn." + name, layer: 0)
      let shape = RoleTable.shape(role.name)?.compactMap {
        try? $0.value(model.configuration.symbols(layer: 0))
      }
      model.tensors[role] = CanonicalTensor(
        shape: shape ?? [],
        values: (0..<(shape ?? []).reduce(1, *)).map { _ in generator.float() }, origin: name)
    }
    return model
  }

  private func transferred(_ model: CanonicalModel, _ K: Int, _ V: Int, _ N: Int) throws
    -> (old: [String: [Float]], new: [String: [Float]])
  {
    var sizing = M2RNNSizing()
    (sizing.keyDim, sizing.valueDim, sizing.heads) = (K, V, N)
    let splice = Splice(layers: [0], sizing: sizing, initialisation: .transfer, seed: 5)
    let result = try splice.applied(to: model)
    func values(_ model: CanonicalModel, _ prefix: String) throws -> [String: [Float]] {
      let own = model.tensors.filter { $0.key.name.hasPrefix(prefix) }
      return Dictionary(
        uniqueKeysWithValues: try own.map {
          try (String($0.key.name.dropFirst(prefix.count)), $0.value.floats())
        })
    }
    return try (values(model, "gdn."), values(result, "m2rnn."))
  }

  /// Four value heads of 6 in eight heads of 4: two for each, of which two channels stay free.
  @Test func channelsThatFitKeepTheirPlaces() throws {
    let (old, new) = try transferred(model(2, 5), 12, 4, 8)
    let (H, taps) = (20, 4)
    func row(_ values: [Float]?, _ index: Int, _ width: Int) -> [Float] {
      Array(values?[index * width..<(index + 1) * width] ?? [])
    }
    for channel in 0..<12 {
      let isOld = channel < 10
      #expect(row(new["q"], channel, H) == (isOld ? row(old["q"], channel, H) : Self.zeros(H)))
      #expect((row(new["k"], channel, H) == (isOld ? row(old["k"], channel, H) : [])) == isOld)
    }
    var factors: [Int: [Float]] = [:]
    for channel in 0..<32 {
      let place = channel % 8
      let source = channel / 8 * 6 + place
      let column = (0..<H).map { new["o"]?[$0 * 32 + channel] }
      guard place < 6 else {
        #expect(column == Self.zeros(H))
        #expect(row(new["v"], channel, H).contains { $0 != 0 })
        continue
      }
      #expect(row(new["v"], channel, H) == row(old["v"], source, H))
      #expect(row(new["g"], channel, H) == row(old["z"], source, H))
      let taps = zip(row(new["conv.v"], channel, taps), row(old["conv.v"], source, taps))
      factors[channel / 4, default: []] += taps.map { $0 / $1 }
      #expect(column == (0..<H).map { old["o"]?[$0 * 24 + source] })
      #expect(new["norm"]?[channel] == old["norm"]?[source % 6])
    }
    for (head, ratios) in factors {
      #expect(ratios.allSatisfy { abs($0 / ratios[0] - 1) < 1e-5 }, "taps of head \(head)")
    }
  }

  private static func zeros(_ count: Int) -> [Float] { Array(repeating: 0, count: count) }

  /// The decay of both layers is `exp(-exp(A_log) softplus(a + dt_bias))`.
  @Test(arguments: [(4, [0, 1, 2, 3]), (8, [0, 0, 1, 1, 2, 2, 3, 3]), (6, [0, 1, 1, 2, 3, 3])])
  func forgetGatesAreThoseOfTheOldHeads(_ heads: Int, _ sources: [Int]) throws {
    let (old, new) = try transferred(model(2, 5), 8, 3, heads)
    for name in ["A_log", "dt_bias"] {
      let values = try #require(old[name])
      #expect(new[name] == sources.map { values[$0] })
    }
    let a = try #require(old["a"])
    #expect(new["f"] == sources.flatMap { a[$0 * 20..<($0 + 1) * 20] })
  }

  @Test func fewHeadsTakeTheMeanOfTheirGates() throws {
    let (old, new) = try transferred(model(2, 5), 8, 3, 2)
    let logs = try #require(old["A_log"]).map(Double.init)
    let means = [(logs[0] + logs[1]) / 2, (logs[2] + logs[3]) / 2].map { Float($0) }
    #expect(new["A_log"] == means)
  }

  /// What the similarity of queries and keys loses is the least that its rank allows.
  @Test(arguments: [3, 6, 9])
  func keysThatDoNotFitAreTheBestOfTheirRank(_ rank: Int) throws {
    let (old, new) = try transferred(model(2, 5), rank, 4, 8)
    func matrix(_ values: [Float]?, _ rows: Int) -> Matrix {
      Matrix(rows: rows, columns: 20, values ?? [])
    }
    let whole = matrix(old["q"], 10).transposed * matrix(old["k"], 10)
    let part = matrix(new["q"], rank).transposed * matrix(new["k"], rank)
    let lost = zip(whole.values, part.values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let least = SingularValues(whole).values.dropFirst(rank).reduce(0) { $0 + $1 * $1 }
    #expect(abs(lost / least - 1) < 1e-4)
  }

  /// Heads of 6 channels in heads of 4: output projection times norm times values, as near as can be.
  @Test func valuesThatDoNotFitAreTheBestOfTheirRank() throws {
    let (old, new) = try transferred(model(1, 5), 8, 4, 2)
    let v = Matrix(rows: 12, columns: 20, try #require(old["v"]))
    let o = Matrix(rows: 20, columns: 12, try #require(old["o"])).transposed
    let newV = Matrix(rows: 8, columns: 20, try #require(new["v"]))
    let newO = Matrix(rows: 20, columns: 8, try #require(new["o"])).transposed
    for head in 0..<2 {
      var scaled = o.rows(head * 6..<(head + 1) * 6)
      for row in 0..<6 {
        for column in 0..<20 { scaled[row, column] *= Double(old["norm"]?[row] ?? 0) }
      }
      let whole = scaled.transposed * v.rows(head * 6..<(head + 1) * 6)
      let part =
        newO.rows(head * 4..<(head + 1) * 4).transposed
        * newV.rows(head * 4..<(head + 1) * 4)
      let lost = zip(whole.values, part.values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      let least = SingularValues(whole).values.dropFirst(4).reduce(0) { $0 + $1 * $1 }
      #expect(abs(lost / least - 1) < 1e-4)
    }
  }

  @Test func aLayerWithoutGateGetsAFreshOne() throws {
    let (_, new) = try transferred(model(1, 5, gate: .none), 8, 4, 2)
    #expect(new["g"]?.contains { $0 != 0 } == true)
  }

  @Test func nothingIsLeftOfTheStateWeight() throws {
    let (_, new) = try transferred(model(2, 5), 12, 4, 8)
    #expect(new["W"] == Self.zeros(8 * 16) && new["D"] == Self.zeros(32))
  }
}
