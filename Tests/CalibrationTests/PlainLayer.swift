import Foundation

@testable import Calibration

/// An M²RNN layer in plain double precision, one formula after the other, from lm-engine's definition.
struct PlainLayer {
  let shape: LayerShape
  var values: [Double]

  /// What a sequence carries: the last inputs of the convolution, and the states of all heads.
  struct State {
    var tail: [[Double]]
    var S: [[[Double]]]  // [N][K][V]
  }

  func start() -> State {
    State(
      tail: Array(
        repeating: Array(repeating: 0, count: shape.C), count: shape.taps - 1),
      S: Array(
        repeating: Array(repeating: Array(repeating: 0, count: shape.V), count: shape.K),
        count: shape.N))
  }

  private func part(_ part: LayerShape.Parameter) -> ArraySlice<Double> {
    values[shape.offset(part)..<shape.offset(part) + shape.count(part)]
  }

  private func rows(_ part: LayerShape.Parameter, _ width: Int) -> [[Double]] {
    let values = Array(self.part(part))
    return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
  }

  private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  private func product(_ matrix: [[Double]], _ x: [Double]) -> [Double] {
    matrix.map { zip($0, x).reduce(0) { $0 + $1.0 * $1.1 } }
  }

  /// The outputs of consecutive tokens.
  func outputs(_ x: [[Double]], _ state: inout State) -> [[Double]] {
    let s = shape
    let projection = [.q, .k, .v].flatMap { rows($0, s.H) }
    let conv = [.convQ, .convK, .convV].flatMap { rows($0, s.taps) }
    let (f, g, o) = (rows(.f, s.H), rows(.g, s.H), rows(.o, s.NV))
    let W = rows(.weight, s.V)
    let (logs, biases, D, norm) = (
      Array(part(.decay)), Array(part(.bias)), Array(part(.D)), Array(part(.norm))
    )
    return x.map { x in
      let inputs = state.tail + [product(projection, x)]
      state.tail = Array(inputs.dropFirst())
      let mixed = (0..<s.C).map { c in
        let sum = (0..<s.taps).reduce(0.0) { $0 + conv[c][$1] * inputs[$1][c] }
        return sum * sigmoid(sum)
      }
      let (a, z) = (product(f, x), product(g, x))
      var y: [Double] = []
      for n in 0..<s.N {
        let forget = exp(-exp(logs[n]) * log(1 + exp(a[n] + biases[n])))
        let (q, k) = (Array(mixed[..<s.K]), Array(mixed[s.K..<2 * s.K]))
        let v = Array(mixed[2 * s.K + n * s.V..<2 * s.K + (n + 1) * s.V])
        let old = state.S[n]
        for i in 0..<s.K {
          for j in 0..<s.V {
            let sum = (0..<s.V).reduce(k[i] * v[j]) { $0 + old[i][$1] * W[n * s.V + $1][j] }
            state.S[n][i][j] = forget * old[i][j] + (1 - forget) * tanh(sum)
          }
        }
        for j in 0..<s.V {
          let read = (0..<s.K).reduce(0.0) { $0 + q[$1] * state.S[n][$1][j] }
          let gate = z[n * s.V + j]
          y.append((read + v[j] * D[n * s.V + j]) * gate * sigmoid(gate))
        }
      }
      let scale = 1 / (y.reduce(0) { $0 + $1 * $1 } / Double(y.count) + 1e-5).squareRoot()
      return product(o, zip(y, norm).map { $0 * scale * $1 })
    }
  }
}
