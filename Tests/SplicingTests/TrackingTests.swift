import Canonical
import Foundation
import Splicing
import Testing

/// The values of a layer that is to follow states, beside those of a fresh one.
@Suite struct TrackingTests {
  private let hidden = 128

  private func splice(_ initialisation: Splice.Initialisation, seed: UInt64 = 1) throws
    -> CanonicalModel
  {
    var sizing = M2RNNSizing()
    (sizing.heads, sizing.keyDim, sizing.valueDim) = (12, 32, 16)
    return try Splice(layers: [1], sizing: sizing, initialisation: initialisation, seed: seed)
      .applied(
        to: PaperModels.hybrid(hidden: hidden, heads: 1, keyDim: 32, valueDim: 64, layers: 2))
  }

  private func values(_ model: CanonicalModel) throws -> [String: [Double]] {
    let roles = model.tensors.filter { $0.key.name.hasPrefix("m2rnn.") }
    return try roles.reduce(into: [:]) {
      $0[String($1.key.name.dropFirst(6))] = try $1.value.floats().map(Double.init)
    }
  }

  @Test func nothingIsConvolved() throws {
    let model = try splice(.tracking)
    let mixer = try #require(model.configuration.layers[1].mixer.m2rnn)
    #expect(mixer.taps == 0 && mixer.activation == .identity)
    #expect(
      try values(model).keys.sorted()
        == ["A_log", "D", "W", "dt_bias", "f", "g", "k", "norm", "o", "q", "v"])
  }

  @Test func theStateWeightOfEachHeadIsOrthogonal() throws {
    let weight = try #require(try values(splice(.tracking))["W"])
    #expect(weight.count == 12 * 16 * 16)
    for head in 0..<12 {
      let rows = (0..<16).map { Array(weight[(head * 16 + $0) * 16..<(head * 16 + $0 + 1) * 16]) }
      for (i, a) in rows.enumerated() {
        for (j, b) in rows.enumerated() {
          let product = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
          #expect(abs(product - (i == j ? 1 : 0)) < 1e-6, "head \(head), rows \(i), \(j)")
        }
      }
    }
    #expect(weight[0..<256] != weight[256..<512])
    #expect(weight.filter { $0 < 0 }.count > 1000)
  }

  @Test func theForgetGateIsNearZero() throws {
    let found = try (0..<50 as Range<UInt64>).map { try values(splice(.tracking, seed: $0)) }
    let a = found.flatMap { ($0["A_log"] ?? []).map(exp) }
    #expect(a.count == 600 && a.allSatisfy { $0 > 7.999 && $0 < 16.001 })
    #expect((a.min() ?? 16) < 8.2 && (a.max() ?? 8) > 15.8)
    let dt = found.flatMap { ($0["dt_bias"] ?? []).map { log1p(exp($0)) } }
    #expect(dt.count == 600 && dt.allSatisfy { $0 > 0.2999 && $0 < 1.0001 })
    #expect((dt.min() ?? 1) < 0.31 && (dt.max() ?? 0) > 0.97)
  }

  @Test func inputProjectionsKeepTheSizeOfWhatTheyRead() throws {
    let found = try values(splice(.tracking))
    for role in ["q", "k", "v", "f", "g"] {
      let values = try #require(found[role])
      let square = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
      let spread = 5 * (2 / Double(values.count)).squareRoot()
      #expect(abs(square * Double(hidden) - 1) < spread, "\(role): \(square)")
    }
  }

  @Test func theRestIsThatOfAFreshLayer() throws {
    let (tracking, fresh) = (
      try values(splice(.tracking, seed: 3)), try values(splice(.reference, seed: 3))
    )
    for role in ["D", "norm", "o"] { #expect(tracking[role] == fresh[role], "\(role)") }
    #expect(try values(splice(.tracking, seed: 4)) != tracking)
    #expect(try values(splice(.tracking, seed: 3)) == tracking)
  }
}
