import Canonical
import GraftTestSupport
import Splicing
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What becomes of the decays of channels, where a Kimi Delta Attention layer is replaced.
@Suite struct ChannelDecayTests {
  private static let (H, n, d) = (20, 3, 4)

  /// A model of one layer; `isShared`: all channels of a head decay alike.
  private func model(bound: Double?, isLowRank: Bool = false, isShared: Bool = false)
    -> CanonicalModel
  {
    var mixer = KimiDeltaAttention()
    (mixer.heads, mixer.headDim, mixer.taps) = (Self.n, Self.d, 4)
    (mixer.isLowRank, mixer.hasSafeGate) = (isLowRank, bound != nil)
    mixer.lowerBound = bound ?? -5
    var model = PaperModels.hybrid(hidden: Self.H, heads: 1, keyDim: 2, valueDim: 2)
    model.configuration.layers[0].mixer = .kda(mixer)
    var generator = SeededGenerator(seed: 9)
    for name in model.configuration.layers[0].mixer.roleNames {
      let shape = (RoleTable.shape(name) ?? []).compactMap {
        try? $0.value(model.configuration.symbols(layer: 0))
      }
      var values = (0..<shape.reduce(1, *)).map { _ in 2 * generator.float() }
      if isShared, name == "kda.f" || name == "kda.dt_bias" {
        let width = shape.count > 1 ? Self.H : 1
        values = values.indices.map { values[$0 / (Self.d * width) * Self.d * width + $0 % width] }
      }
      model.tensors[Role(name, layer: 0)] = CanonicalTensor(
        shape: shape, values: values, origin: name)
    }
    return model
  }

  private func transferred(_ model: CanonicalModel) throws -> CanonicalModel {
    var sizing = M2RNNSizing()
    (sizing.keyDim, sizing.valueDim, sizing.heads) = (Self.n * Self.d, Self.d, Self.n)
    return try Splice(layers: [0], sizing: sizing, initialisation: .transfer).applied(to: model)
  }

  private func values(_ model: CanonicalModel, _ name: String) throws -> [Double] {
    try model.tensor(Role(name, layer: 0)).floats().map(Double.init)
  }

  /// The logarithm of the decay of every channel, or of every head of the new layer, for an input.
  private func logDecays(_ model: CanonicalModel, _ kind: String, _ x: [Double], bound: Double?)
    throws -> [Double]
  {
    let rows = try values(model, kind + ".f")
    let (bias, logA) = (try values(model, kind + ".dt_bias"), try values(model, kind + ".A_log"))
    return bias.indices.map { index in
      let a = (0..<Self.H).reduce(bias[index]) { $0 + rows[index * Self.H + $1] * x[$1] }
      let rate = exp(logA[index * logA.count / bias.count])
      return bound.map { $0 / (1 + exp(-rate * a)) } ?? -rate * log1p(exp(a))
    }
  }

  private func means(_ values: [Double]) -> [Double] {
    (0..<Self.n).map { head in
      values[head * Self.d..<(head + 1) * Self.d].reduce(0, +) / Double(Self.d)
    }
  }

  /// Gated DeltaNet written as Kimi Delta Attention: nothing is lost.
  @Test func channelsThatDecayAlikeKeepTheirDecay() throws {
    let source = model(bound: nil, isShared: true)
    let result = try transferred(source)
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<5 {
      let x = (0..<Self.H).map { _ in Double(generator.float()) }
      let old = means(try logDecays(source, "kda", x, bound: nil))
      let new = try logDecays(result, "m2rnn", x, bound: nil)
      #expect(zip(old, new).allSatisfy { abs($0 / $1 - 1) < 1e-5 }, "\(old) \(new)")
    }
  }

  /// Value and slopes of the mean logarithm of decay, with and without a safe gate.
  @Test(arguments: [nil, -5.0, -1.5]) func decaysHaveTheMeanOfTheirLogarithms(bound: Double?) throws
  {
    let source = model(bound: bound)
    let result = try transferred(source)
    let zero = Array(repeating: 0.0, count: Self.H)
    let old = means(try logDecays(source, "kda", zero, bound: bound))
    let new = try logDecays(result, "m2rnn", zero, bound: nil)
    #expect(zip(old, new).allSatisfy { abs($0 / $1 - 1) < 1e-5 }, "\(old) \(new)")
    for column in [0, 7] {
      var x = zero
      x[column] = 1e-3
      let slopes = try zip(means(logDecays(source, "kda", x, bound: bound)), old).map(-)
      let found = try zip(logDecays(result, "m2rnn", x, bound: nil), new).map(-)
      #expect(zip(slopes, found).allSatisfy { abs($0 - $1) < 2e-5 }, "\(slopes) \(found)")
    }
  }

  /// The rows of gates of low rank are the products of their factors.
  @Test func factorsAreMultiplied() throws {
    let source = model(bound: nil, isLowRank: true)
    let (a, b) = (try values(source, "kda.g_a"), try values(source, "kda.g_b"))
    let g = try values(transferred(source), "m2rnn.g")
    for (row, column) in [(0, 0), (5, 3), (11, 19)] {
      let product = (0..<Self.d).reduce(0) { $0 + b[row * Self.d + $1] * a[$1 * Self.H + column] }
      #expect(abs(g[row * Self.H + column] - product) < 1e-5)
    }
  }

  /// Biases and rates of files may be anything: nothing traps.
  @Test(arguments: [Float.infinity, -.infinity, .nan, 1e30, -1e30, 3000])
  func valuesThatCannotBeMeant(_ value: Float) throws {
    for (name, bound) in [("kda.dt_bias", nil), ("kda.A_log", nil), ("kda.A_log", -5.0)] {
      var source = model(bound: bound)
      let role = Role(name, layer: 0)
      let shape = source.tensors[role]?.shape ?? []
      source.tensors[role] = CanonicalTensor(
        shape: shape, values: Array(repeating: value, count: shape.reduce(1, *)), origin: name)
      _ = try transferred(source)
    }
  }
}
