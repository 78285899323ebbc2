import Canonical
import Foundation

extension Attention: PlainMixer {
  func mixed(_ x: [Row], _ layer: Int, in model: ReferenceModel) -> [Row] {
    model.attention(x, self, layer)
  }
}

extension GatedDeltaNet: PlainMixer {
  func mixed(_ x: [Row], _ layer: Int, in model: ReferenceModel) -> [Row] {
    model.gatedDeltaNet(x, self, layer)
  }
}

extension M2RNN: PlainMixer {
  func mixed(_ x: [Row], _ layer: Int, in model: ReferenceModel) -> [Row] {
    model.m2rnn(x, self, layer)
  }
}

extension ReferenceModel {
  // MARK: attention

  func attention(_ x: [Row], _ a: Attention, _ layer: Int) -> [Row] {
    let (nh, nkv, hd) = (a.heads, a.kvHeads, a.headDim)
    func project(_ name: String) -> [Row] {
      linear(x, "attention." + name, layer, bias: a.hasBias)
    }
    let v = project("v")
    let q = prepared(project("q"), a, "attention.q_norm", layer)
    let k = prepared(project("k"), a, "attention.k_norm", layer)
    var y = x.indices.map { _ in [Double](repeating: 0, count: nh * hd) }
    for t in x.indices {
      for h in 0..<nh {
        let g = h / (nh / nkv)
        let seen = max(0, t - (a.window ?? (t + 1)) + 1)...t
        let qh = q[t][h * hd..<(h + 1) * hd]
        let p = softmax(seen.map { dot(qh, k[$0][g * hd..<(g + 1) * hd]) * a.scoreScale })
        for (weight, s) in zip(p, seen) {
          for d in 0..<hd { y[t][h * hd + d] += weight * v[s][g * hd + d] }
        }
        guard a.isExclusive else { continue }
        let own = Array(v[t][g * hd..<(g + 1) * hd])
        let along = dot(y[t][h * hd..<(h + 1) * hd], own) / dot(own, own)
        for d in 0..<hd { y[t][h * hd + d] -= along * own[d] }
      }
    }
    if a.hasGate {
      y = zip(y, project("gate")).map { zip($0, $1).map { $0 * sigmoid($1) } }
    }
    return linear(y, "attention.o", layer, bias: a.hasOutputBias)
  }

  private func prepared(_ x: [Row], _ a: Attention, _ name: String, _ layer: Int) -> [Row] {
    let width = a.qkNorm == .projection ? x[0].count : a.headDim
    return x.enumerated().map { t, row in
      var row = row
      if a.qkNorm != .none {
        row = split(row, width).flatMap { norm($0, name, layer) }
      }
      return a.rotates ? split(row, a.headDim).flatMap { rotated($0, t) } : row
    }
  }

  /// Plain RoPE in the halves convention.
  private func rotated(_ x: Row, _ position: Int) -> Row {
    guard configuration.position == .rope else { return x }
    let d = Int((Double(x.count) * (configuration.ropeFraction ?? 1)).rounded())
    let start = configuration.ropeSide == .first ? 0 : x.count - d
    var y = x
    for i in 0..<d / 2 {
      let angle = Double(position) * pow(configuration.ropeTheta, -2 * Double(i) / Double(d))
      let (a, b) = (x[start + i], x[start + d / 2 + i])
      y[start + i] = a * cos(angle) - b * sin(angle)
      y[start + d / 2 + i] = b * cos(angle) + a * sin(angle)
    }
    return y
  }

  func split(_ x: Row, _ width: Int) -> [Row] {
    stride(from: 0, to: x.count, by: width).map { Array(x[$0..<$0 + width]) }
  }

  // MARK: recurrences

  /// Causal depthwise convolution; zeros before the start.
  func convolved(_ x: [Row], _ name: String, taps: Int, bias: Bool, _ layer: Int) -> [Row] {
    guard taps > 0 else { return x }
    let w = rows(name, taps, layer: layer)
    let b = bias ? values(name + ".bias", layer) : [Double](repeating: 0, count: w.count)
    return x.indices.map { t in
      w.indices.map { c in
        (0..<taps).reduce(b[c]) { sum, j in
          let s = t - (taps - 1) + j
          return sum + (s < 0 ? 0 : w[c][j] * x[s][c])
        }
      }
    }
  }

  private func decay(_ a: Double, _ prefix: String, _ head: Int, _ layer: Int) -> Double {
    exp(
      -exp(values(prefix + ".A_log", layer)[head])
        * softplus(a + values(prefix + ".dt_bias", layer)[head]))
  }

  func gatedDeltaNet(_ x: [Row], _ g: GatedDeltaNet, _ layer: Int) -> [Row] {
    let (nk, nv, dk, dv) = (g.keyHeads, g.valueHeads, g.keyDim, g.valueDim)
    func input(_ name: String) -> [Row] {
      let projected = linear(x, "gdn." + name, layer)
      return convolved(projected, "gdn.conv." + name, taps: g.taps, bias: false, layer).map {
        $0.map { g.activation($0) }
      }
    }
    let (q, k, v) = (input("q"), input("k"), input("v"))
    let (a, b) = (linear(x, "gdn.a", layer), linear(x, "gdn.b", layer))
    let z = g.gate == .none ? [] : linear(x, "gdn.z", layer).map { $0.map(silu) }
    let w = values("gdn.norm", layer)
    let epsilon = g.normEpsilon ?? configuration.normEpsilon
    var y = x.indices.map { _ in Row() }
    for h in 0..<nv {
      let group = h / (nv / nk) * dk
      var S = (0..<dk).map { _ in [Double](repeating: 0, count: dv) }
      for t in x.indices {
        let qt = unit(Array(q[t][group..<group + dk]), g.unitEpsilon).map { $0 * g.queryScale }
        let kt = unit(Array(k[t][group..<group + dk]), g.unitEpsilon)
        let beta = sigmoid(b[t][h]) * (g.allowsNegativeEigenvalues ? 2 : 1)
        let gamma = decay(a[t][h], "gdn", h, layer)
        S = S.map { $0.map { $0 * gamma } }
        let read = (0..<dv).map { j in (0..<dk).reduce(0) { $0 + kt[$1] * S[$1][j] } }
        for i in 0..<dk {
          for j in 0..<dv { S[i][j] += kt[i] * (v[t][h * dv + j] - read[j]) * beta }
        }
        var o = (0..<dv).map { j in (0..<dk).reduce(0) { $0 + qt[$1] * S[$1][j] } }
        let gate = z.isEmpty ? [] : Array(z[t][h * dv..<(h + 1) * dv])
        if g.gate == .beforeNorm { o = zip(o, gate).map { $0 * $1 } }
        o = rmsNorm(o, w, epsilon)
        if g.gate == .afterNorm { o = zip(o, gate).map { $0 * $1 } }
        y[t] += o
      }
    }
    return linear(y, "gdn.o", layer)
  }

  func unit(_ x: Row, _ epsilon: Double) -> Row {
    let length = (dot(x, x) + epsilon).squareRoot()
    return x.map { $0 / length }
  }

  func m2rnn(_ x: [Row], _ m: M2RNN, _ layer: Int) -> [Row] {
    let (N, K, V) = (m.heads, m.keyDim, m.valueDim)
    let slope = values("m2rnn.conv.slope", layer).first ?? 0
    func input(_ name: String) -> [Row] {
      let projected = linear(x, "m2rnn." + name, layer, bias: m.hasBias)
      guard m.taps > 0 else { return projected }
      return convolved(projected, "m2rnn.conv." + name, taps: m.taps, bias: m.hasBias, layer).map {
        $0.map { m.activation($0, slope) }
      }
    }
    let (q, k, v) = (input("q"), input("k"), input("v"))
    let f = linear(x, "m2rnn.f", layer, bias: m.hasBias)
    let g = linear(x, "m2rnn.g", layer, bias: m.hasBias)
    let W = split(values("m2rnn.W", layer), V)
    let D = values("m2rnn.D", layer)
    var y = x.indices.map { _ in Row() }
    for n in 0..<N {
      func group(_ count: Int) -> Int { n / (N / count) }
      var S = states[layer]?[n] ?? (0..<K).map { _ in [Double](repeating: 0, count: V) }
      for t in x.indices {
        let qt = q[t][group(m.queryHeads) * K..<(group(m.queryHeads) + 1) * K]
        let kt = Array(k[t][group(m.keyHeads) * K..<(group(m.keyHeads) + 1) * K])
        let vt = Array(v[t][group(m.valueHeads) * V..<(group(m.valueHeads) + 1) * V])
        let ft = decay(f[t][group(m.forgetHeads)], "m2rnn", n, layer)
        S = S.indices.map { i in
          (0..<V).map { j in
            let SW = (0..<V).reduce(0) { $0 + S[i][$1] * W[group(m.weightHeads) * V + $1][j] }
            return ft * S[i][j] + (1 - ft) * tanh(SW + kt[i] * vt[j])
          }
        }
        y[t] += (0..<V).map { j in
          dot(qt, S.map { $0[j] }) + (m.hasResidual ? D[n * V + j] * vt[j] : 0)
        }
      }
    }
    y = zip(y, g).map { zip($0, $1).map { $0 * silu($1) } }
    let w = values("m2rnn.norm", layer)
    switch m.norm {
    case .rmsnorm: y = y.map { rmsNorm($0, w, 1e-5) }
    case .layernorm:
      y = y.map { layerNorm($0, w, values("m2rnn.norm.bias", layer), 1e-5) }
    case nil: break
    }
    return linear(y, "m2rnn.o", layer)
  }
}
