import Foundation

@testable import Canonical

extension LatentAttention: PlainMixer {
  /// Keys and values of every head are made of the short vectors, as the papers write it.
  func mixed(_ x: [Row], _ layer: Int, in model: ReferenceModel) -> [Row] {
    let epsilon = normEpsilon ?? model.configuration.normEpsilon
    func project(_ x: [Row], _ name: String, bias: Bool = false) -> [Row] {
      model.linear(x, "mla." + name, layer, bias: bias)
    }
    func norm(_ x: Row, _ name: String) -> Row {
      model.rmsNorm(x, model.values("mla." + name, layer), epsilon)
    }
    let queries =
      queryRank == 0
      ? project(x, "q")
      : project(project(x, "q_a", bias: hasBias).map { norm($0, "q_norm") }, "q_b")
    let kv = project(x, "kv_a", bias: hasBias)
    let vectors = kv.map { norm(Array($0[..<rank]), "kv_norm") }
    let (keys, values) = (project(vectors, "k_b"), project(vectors, "v_b"))
    let gates = hasGate ? project(x, "gate") : []
    let shared = kv.enumerated().map { rotated(Array($1[rank...]), $0, in: model) }
    let scale = scoreScale(model.configuration.ropeScaling)
    var y = x.indices.map { _ in Row() }
    for t in x.indices {
      for h in 0..<heads {
        let q = Array(queries[t][h * (keyDim + sharedDim)..<(h + 1) * (keyDim + sharedDim)])
        let turned = q[..<keyDim] + rotated(Array(q[keyDim...]), t, in: model)
        let p = softmax(
          (0...t).map { s in
            dot(turned, keys[s][h * keyDim..<(h + 1) * keyDim] + shared[s]) * scale
          })
        let gate = gates.isEmpty ? 1 : sigmoid(gates[t][h])
        y[t] += (0..<valueDim).map { j in
          gate * (0...t).reduce(0) { $0 + p[$1] * values[$1][h * valueDim + j] }
        }
      }
    }
    return model.linear(y, "mla.o", layer, bias: hasBias)
  }

  private func rotated(_ x: Row, _ position: Int, in model: ReferenceModel) -> Row {
    guard rotates else { return x }
    let half = x.count / 2
    var y = x
    for i in 0..<half {
      let angle =
        Double(position)
        * pow(ropeTheta ?? model.configuration.ropeTheta, -2 * Double(i) / Double(x.count))
      let (first, second) = rope == .pairs ? (2 * i, 2 * i + 1) : (i, half + i)
      y[first] = x[first] * cos(angle) - x[second] * sin(angle)
      y[second] = x[second] * cos(angle) + x[first] * sin(angle)
    }
    return y
  }
}
