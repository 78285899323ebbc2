import Foundation

@testable import Canonical

extension KimiDeltaAttention: PlainMixer {
  func mixed(_ x: [Row], _ layer: Int, in model: ReferenceModel) -> [Row] {
    let (n, d) = (heads, headDim)
    func input(_ name: String) -> [Row] {
      let projected = model.linear(x, "kda." + name, layer)
      return model.convolved(projected, "kda.conv." + name, taps: taps, bias: false, layer).map {
        $0.map { activation($0) }
      }
    }
    func gate(_ name: String) -> [Row] {
      guard isLowRank else { return model.linear(x, "kda." + name, layer) }
      return model.linear(model.linear(x, "kda.\(name)_a", layer), "kda.\(name)_b", layer)
    }
    let (q, k, v) = (input("q"), input("k"), input("v"))
    let (f, g, b) = (gate("f"), gate("g"), model.linear(x, "kda.b", layer))
    let (logA, dtBias) = (model.values("kda.A_log", layer), model.values("kda.dt_bias", layer))
    let epsilon = normEpsilon ?? model.configuration.normEpsilon
    var y = x.indices.map { _ in Row() }
    for h in 0..<n {
      let own = h * d..<(h + 1) * d
      var S = own.map { _ in [Double](repeating: 0, count: d) }
      for t in x.indices {
        let qt = model.unit(Array(q[t][own]), unitEpsilon).map { $0 / Double(d).squareRoot() }
        let kt = model.unit(Array(k[t][own]), unitEpsilon)
        let decays = own.map { decay(f[t][$0] + dtBias[$0], exp(logA[h])) }
        S = zip(S, decays).map { row, decay in row.map { $0 * decay } }
        let u = (0..<d).map { j in
          sigmoid(b[t][h]) * (v[t][h * d + j] - dot(kt, S.map { $0[j] }))
        }
        S = zip(S, kt).map { row, k in zip(row, u).map { $0 + k * $1 } }
        let o = (0..<d).map { j in dot(qt, S.map { $0[j] }) }
        let normed = model.rmsNorm(o, model.values("kda.norm", layer), epsilon)
        y[t] += zip(normed, g[t][own]).map { $0 * sigmoid($1) }
      }
    }
    return model.linear(y, "kda.o", layer)
  }

  private func decay(_ a: Double, _ A: Double) -> Double {
    exp(hasSafeGate ? lowerBound * sigmoid(A * a) : -A * softplus(a))
  }
}
