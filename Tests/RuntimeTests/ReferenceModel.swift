import Foundation

@testable import Canonical

typealias Row = [Double]

/// A mixer whose arithmetic is written plainly; that of a new one goes into a file of its own.
protocol PlainMixer {
  func mixed(_ x: [Row], _ layer: Int, in model: ReferenceModel) -> [Row]
}

/// The arithmetic of a model written as plainly as possible, in F64, over the whole sequence.
struct ReferenceModel {
  let model: CanonicalModel
  /// The states that M²RNN layers begin with, `[K][V]` by layer and head; zeros where none is given.
  var states: [Int: [[Row]]] = [:]
  var configuration: ModelConfiguration { model.configuration }

  /// The logits of every position.
  func logits(_ tokens: [Int]) -> [Row] {
    let H = configuration.hidden
    let table = rows("embedding", H)
    var h = tokens.enumerated().map { position, token in
      let learned = configuration.position == .learned ? rows("positions", H)[position] : nil
      return table[token].indices.map {
        (table[token][$0] + (learned?[$0] ?? 0)) * configuration.embeddingScale
      }
    }
    for (index, layer) in configuration.layers.enumerated() {
      h = residual(h, "mixer_norm", index) { mix($0, layer.mixer, index) }
      h = residual(h, "mlp_norm", index) { $0.map { feedForward($0, layer.feedForward, index) } }
    }
    let x = h.map { norm($0, "final_norm", nil) }
    return linear(x, configuration.isTied ? "embedding" : "head", nil).map {
      $0.map { $0 / configuration.logitsDivisor }
    }
  }

  private func residual(_ h: [Row], _ name: String, _ layer: Int, _ block: ([Row]) -> [Row])
    -> [Row]
  {
    let y: [Row] =
      configuration.layers[layer].normPlacement == .pre
      ? block(h.map { norm($0, name, layer) }) : block(h).map { norm($0, name, layer) }
    return zip(h, y).map { zip($0, $1).map { $0 + configuration.residualScale * $1 } }
  }

  private func mix(_ x: [Row], _ mixer: Mixer, _ layer: Int) -> [Row] {
    guard let record = mixer.record else { return x }
    guard let plain = record as? any PlainMixer else {
      preconditionFailure("no plain \(mixer.kind)")
    }
    return plain.mixed(x, layer, in: self)
  }

  // MARK: weights

  func values(_ name: String, _ layer: Int?, expert: Int? = nil) -> Row {
    let tensor = model.tensors[Role(name, layer: layer, expert: expert)]
    return ((try? tensor?.floats()) ?? []).map(Double.init)
  }

  func rows(_ name: String, _ width: Int, layer: Int? = nil, expert: Int? = nil) -> [Row] {
    let all = values(name, layer, expert: expert)
    return stride(from: 0, to: all.count, by: width).map { Array(all[$0..<$0 + width]) }
  }

  func linear(_ x: [Row], _ name: String, _ layer: Int?, bias: Bool = false, expert: Int? = nil)
    -> [Row]
  {
    let W = rows(name, x[0].count, layer: layer, expert: expert)
    let b = bias ? values(name + ".bias", layer, expert: expert) : []
    return x.map { x in W.enumerated().map { dot(x, $1) + (b.isEmpty ? 0 : b[$0]) } }
  }

  // MARK: norms

  func norm(_ x: Row, _ name: String, _ layer: Int?) -> Row {
    let shift = configuration.normIsZeroCentred ? 1.0 : 0
    let w = values(name, layer).map { $0 + shift }
    if configuration.norm == .layernorm {
      return layerNorm(x, w, values(name + ".bias", layer), configuration.normEpsilon)
    }
    return rmsNorm(x, w, configuration.normEpsilon)
  }

  func rmsNorm(_ x: Row, _ w: Row, _ epsilon: Double) -> Row {
    let factor = 1 / (dot(x, x) / Double(x.count) + epsilon).squareRoot()
    return zip(x, w).map { $0 * factor * $1 }
  }

  func layerNorm(_ x: Row, _ w: Row, _ b: Row, _ epsilon: Double) -> Row {
    let mean = x.reduce(0, +) / Double(x.count)
    let centred = x.map { $0 - mean }
    let unit = rmsNorm(centred, w, epsilon)
    return b.isEmpty ? unit : zip(unit, b).map { $0 + $1 }
  }

  // MARK: feed forward

  func feedForward(_ x: Row, _ mlp: FeedForward, _ layer: Int) -> Row {
    guard mlp.kind == .moe else { return dense(x, "mlp", mlp, layer, bias: mlp.hasBias) }
    var y = [Double](repeating: 0, count: x.count)
    for (expert, p) in route(linear([x], "moe.router", layer)[0], mlp, layer) {
      let out = dense(x, "expert", mlp, layer, bias: false, expert: expert)
      for index in y.indices { y[index] += p * out[index] }
    }
    guard mlp.sharedIntermediate > 0 else { return y }
    let gate = mlp.hasSharedGate ? sigmoid(dot(x, values("shared.router", layer))) : 1
    let shared = dense(x, "shared", mlp, layer, bias: mlp.hasBias)
    return zip(y, shared).map { $0 + gate * $1 }
  }

  private func dense(
    _ x: Row, _ prefix: String, _ mlp: FeedForward, _ layer: Int, bias: Bool, expert: Int? = nil
  ) -> Row {
    func project(_ x: Row, _ name: String) -> Row {
      linear([x], prefix + "." + name, layer, bias: bias, expert: expert)[0]
    }
    let slope = values("mlp.slope", layer).first ?? 0
    let up = project(x, "up")
    guard mlp.isGated else { return project(up.map { mlp.activation($0, slope) }, "down") }
    let gate = project(x, "gate").map { mlp.activation($0, slope) }
    return project(zip(gate, up).map { $0 * $1 }, "down")
  }

  private func route(_ logits: Row, _ mlp: FeedForward, _ layer: Int) -> [(Int, Double)] {
    if mlp.router == .sigmoid { return routeBySigmoid(logits, mlp, layer) }
    let order = logits.indices.sorted {
      logits[$0] > logits[$1] || (logits[$0] == logits[$1] && $0 < $1)
    }
    let chosen = Array(order.prefix(mlp.expertsPerToken))
    let p = softmax(mlp.router == .softmaxThenTopK ? logits : chosen.map { logits[$0] })
    return chosen.enumerated().map { ($1, mlp.router == .softmaxThenTopK ? p[$1] : p[$0]) }
  }
}

func dot(_ a: some Sequence<Double>, _ b: some Sequence<Double>) -> Double {
  zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
}

func softmax(_ x: Row) -> Row {
  let top = x.max() ?? 0
  let powers = x.map { exp($0 - top) }
  let total = powers.reduce(0, +)
  return powers.map { $0 / total }
}

func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
func silu(_ x: Double) -> Double { x * sigmoid(x) }
func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

extension Activation {
  /// The function in F64, after torch's documentation.
  func callAsFunction(_ x: Double, _ slope: Double = 0) -> Double {
    switch self {
    case .identity: x
    case .celu, .elu: x > 0 ? x : expm1(x)
    case .gelu: 0.5 * x * erfc(-x / 2.0.squareRoot())
    case .geluTanh:
      0.5 * x * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .hardShrink: abs(x) > 0.5 ? x : 0
    case .hardSigmoid: min(max(x + 3, 0), 6) / 6
    case .hardSwish: x * min(max(x + 3, 0), 6) / 6
    case .hardTanh: min(max(x, -1), 1)
    case .leakyReLU: x < 0 ? 0.01 * x : x
    case .logSigmoid: -RuntimeTests.softplus(-x)
    case .mish: x * Foundation.tanh(RuntimeTests.softplus(x))
    case .prelu: x < 0 ? slope * x : x
    case .relu: max(x, 0)
    case .reluSquared: max(x, 0) * max(x, 0)
    case .relu6: min(max(x, 0), 6)
    case .rrelu: x < 0 ? (1.0 / 8 + 1.0 / 3) / 2 * x : x
    case .selu:
      1.0507009873554804934193349852946
        * (x > 0 ? x : 1.6732632423543772848170429916717 * expm1(x))
    case .sigmoid: RuntimeTests.sigmoid(x)
    case .silu: RuntimeTests.silu(x)
    case .softplus: RuntimeTests.softplus(x)
    case .softShrink: x > 0.5 ? x - 0.5 : x < -0.5 ? x + 0.5 : 0
    case .softSign: x / (1 + abs(x))
    case .tanh: Foundation.tanh(x)
    case .tanhShrink: x - Foundation.tanh(x)
    }
  }
}
