import Canonical
import Foundation
import Splicing
import Testing

/// The values of a fresh layer against the distributions and constants of lm-engine.
@Suite struct ReferenceInitialisationTests {
  private static let drawn = ["q", "k", "v", "f", "g", "conv.q", "conv.k", "conv.v", "o"]

  private static let model = PaperModels.hybrid(
    hidden: 128, heads: 1, keyDim: 32, valueDim: 64, layers: 2)

  private func layer(_ model: CanonicalModel = model, seed: UInt64 = 1, layer: Int = 0) throws
    -> [String: [Float]]
  {
    var sizing = M2RNNSizing()
    sizing.heads = 12
    let splice = Splice(layers: [layer], sizing: sizing, initialisation: .reference, seed: seed)
    let edited = try splice.applied(to: model)
    var values: [String: [Float]] = [:]
    for (role, tensor) in edited.tensors where role.name.hasPrefix("m2rnn.") {
      values[String(role.name.dropFirst(6))] = try tensor.floats()
    }
    return values
  }

  private func moments(_ values: [Float]) -> (mean: Double, deviation: Double, kurtosis: Double) {
    let count = Double(values.count)
    let mean = values.reduce(0) { $0 + Double($1) } / count
    let second = values.reduce(0) { $0 + pow(Double($1) - mean, 2) } / count
    let fourth = values.reduce(0) { $0 + pow(Double($1) - mean, 4) } / count
    return (mean, second.squareRoot(), fourth / (second * second))
  }

  /// Checks mean, deviation and kurtosis within five standard errors of a normal sample.
  private func expectNormal(_ values: [Float], _ deviation: Double, _ name: String) {
    let (mean, found, kurtosis) = moments(values)
    let count = Double(values.count)
    #expect(abs(mean) < 5 * deviation / count.squareRoot(), "\(name): mean \(mean)")
    #expect(
      abs(found / deviation - 1) < 5 / (2 * count).squareRoot(), "\(name): deviation \(found)")
    #expect(abs(kurtosis - 3) < 5 * (24 / count).squareRoot(), "\(name): kurtosis \(kurtosis)")
  }

  private func expectNormal(
    _ values: [String: [Float]], _ roles: [String], _ deviation: Double
  ) throws {
    for role in roles { expectNormal(try #require(values[role]), deviation, role) }
  }

  @Test func normalWeights() throws {
    var model = Self.model
    model.configuration.initRange = 0.1
    try expectNormal(try layer(model), Self.drawn, 0.1)
  }

  @Test func mupDividesByTheRootOfTheWidth() throws {
    var model = Self.model
    (model.configuration.initRange, model.configuration.logitsDivisor) = (0.1, 16)
    model.configuration.initMethod = .mup
    try expectNormal(try layer(model), Self.drawn, 0.025)
  }

  @Test func fanInLooksAtTheInputs() throws {
    var model = Self.model
    model.configuration.initMethod = .fanIn
    let values = try layer(model)
    try expectNormal(values, ["q", "k", "v", "f", "g"], pow(128, -0.5))
    try expectNormal(values, ["conv.q", "conv.k", "conv.v"], 0.5)
    try expectNormal(values, ["o"], pow(12 * 16, -0.5))
  }

  @Test func depthScalingDividesTheOutputOnly() throws {
    var model = Self.model
    (model.configuration.initRange, model.configuration.initIsDepthScaled) = (0.1, true)
    let values = try layer(model, layer: 1)
    try expectNormal(values, ["o"], 0.05)
    try expectNormal(values, Self.drawn.filter { $0 != "o" }, 0.1)
  }

  @Test func exactConstants() throws {
    let values = try layer()
    let weight = try #require(values["W"])
    #expect(weight.count == 12 * 16 * 16)
    #expect(weight.indices.allSatisfy { weight[$0] == ($0 / 16 % 16 == $0 % 16 ? 1 : 0) })
    for role in ["D", "norm"] {
      #expect(values[role]?.count == 12 * 16 && values[role]?.allSatisfy { $0 == 1 } == true)
    }
    #expect(
      values.keys.sorted() == (Self.drawn + ["W", "D", "norm", "A_log", "dt_bias"]).sorted())
  }

  @Test func decayGate() throws {
    let samples = try (0..<60 as Range<UInt64>).map { seed in
      let mixer = try layer(
        PaperModels.hybrid(hidden: 2, heads: 1, keyDim: 2, valueDim: 2), seed: seed)
      return (try #require(mixer["A_log"]), try #require(mixer["dt_bias"]))
    }
    let a = samples.flatMap(\.0).map { exp(Double($0)) }
    let count = Double(a.count)
    #expect(count == 720 && a.allSatisfy { $0 > 0 && $0 <= 16.0001 })
    let mean: Double = a.reduce(0, +) / count
    #expect(abs(mean - 8) < 5 * 16 / (12 * count).squareRoot())
    let dt = samples.flatMap(\.1).map { log1p(exp(Double($0))) }
    #expect(dt.allSatisfy { $0 > 0.000_999 && $0 < 0.100_001 })
    let places = dt.map { (log($0) - log(0.001)) / log(100.0) }
    let middle: Double = places.reduce(0, +) / count
    #expect(abs(middle - 0.5) < 5 / (12 * count).squareRoot())
    #expect((places.max() ?? 0) > 0.97 && (places.min() ?? 1) < 0.03)
  }

  @Test func tensorsAreIndependent() throws {
    let first = try layer()
    let (q, k) = (try #require(first["q"]), try #require(first["k"]))
    let products = zip(q, k).map { Double($0) * Double($1) / (0.02 * 0.02) }
    let count = Double(q.count)
    let correlation: Double = products.reduce(0, +) / count
    #expect(abs(correlation) < 5 / count.squareRoot())
    #expect(try first["v"] != layer(layer: 1)["v"])
    #expect(Set(q).count > q.count * 9 / 10)
  }

  @Test func aSeedDecidesEverything() throws {
    let first = try layer(seed: 5)
    let other = try layer(seed: 6)
    #expect(try first == layer(seed: 5))
    for role in Self.drawn + ["A_log", "dt_bias"] { #expect(first[role] != other[role], "\(role)") }
  }

  /// Bits that every machine must get; they were recorded on x86-64 Linux.
  @Test func theSameBitsOnEveryMachine() throws {
    let values = try layer(seed: 7)
    let found = ["q", "o", "A_log", "dt_bias"].map { role in
      (values[role] ?? []).prefix(3).map(\.bitPattern)
    }
    #expect(found == Self.recorded)
  }

  private static let recorded: [[UInt32]] = [
    [3_166_941_835, 969_910_505, 3_131_009_917], [3_143_646_687, 1_024_064_127, 995_488_881],
    [1_074_250_867, 1_051_068_380, 1_069_927_376],
    [3_232_076_924, 3_233_371_620, 3_222_475_442],
  ]
}
