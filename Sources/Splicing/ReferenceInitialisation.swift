import Canonical
import Diagnostics

/// The values lm-engine gives a fresh M²RNN layer, in distribution, from a seed.
///
/// Linear weights and convolution taps are N(0, std), biases 0, the state weight the identity, D and
/// the norm 1, `A_log = ln U(A_min, A_max)`, `dt_bias` the inverse softplus of a log-uniform dt
/// (lm-engine: `m2rnn/module.py`, `init_utils.py`, the softplus decay gate).
struct ReferenceInitialisation {
  let model: ModelConfiguration
  let layer: Int
  let mixer: M2RNN
  let seed: UInt64

  /// The values of one role of the layer, in canonical order.
  func values(_ role: String, count: Int) -> [Float] {
    switch role {
    case "m2rnn.W": identity(count)
    case "m2rnn.D", "m2rnn.norm": Array(repeating: 1, count: count)
    case "m2rnn.conv.slope": Array(repeating: 0.25, count: count)
    case "m2rnn.A_log": drawn(role, count) { Float(ReproducibleMath.log(a(&$0))) }
    case "m2rnn.dt_bias": drawn(role, count) { Float(inverseSoftplus(dt(&$0))) }
    case _ where role.hasSuffix(".bias"): Array(repeating: 0, count: count)
    case _ where role.hasPrefix("m2rnn.conv."):
      normal(role, count, deviation(fanIn: mixer.taps, isOutput: false))
    case "m2rnn.o":
      normal(role, count, deviation(fanIn: mixer.gateHeads * mixer.valueDim, isOutput: true))
    default: normal(role, count, deviation(fanIn: model.hidden, isOutput: false))
    }
  }

  private func drawn(_ role: String, _ count: Int, _ draw: (inout SeededNumbers) -> Float)
    -> [Float]
  {
    var numbers = SeededNumbers(seed: seed, name: "\(role) of layer \(layer)")
    return (0..<count).map { _ in draw(&numbers) }
  }

  /// Independent normal values of one role.
  func normal(_ role: String, _ count: Int, _ deviation: Double) -> [Float] {
    drawn(role, count) { $0.normal(deviation: deviation) }
  }

  private func identity(_ count: Int) -> [Float] {
    let v = mixer.valueDim
    return (0..<count).map { $0 / v % v == $0 % v ? 1 : 0 }
  }

  private func deviation(fanIn: Int, isOutput: Bool) -> Double {
    let plain: Double
    switch model.initMethod {
    case .normal: plain = model.initRange
    case .mup: plain = model.initRange / model.logitsDivisor.squareRoot()
    case .fanIn: plain = 1 / Double(max(fanIn, 1)).squareRoot()
    }
    guard isOutput, model.initIsDepthScaled else { return plain }
    return plain / Double(2 * model.layerCount).squareRoot()
  }

  private func a(_ numbers: inout SeededNumbers) -> Double {
    let range = mixer.initialisation
    return range.aMinimum + (range.aMaximum - range.aMinimum) * numbers.uniform()
  }

  private func dt(_ numbers: inout SeededNumbers) -> Double {
    let range = mixer.initialisation
    let low = ReproducibleMath.log(range.dtMinimum)
    let high = ReproducibleMath.log(range.dtMaximum)
    return max(ReproducibleMath.exp(low + (high - low) * numbers.uniform()), range.dtFloor)
  }

  private func inverseSoftplus(_ dt: Double) -> Double {
    dt + ReproducibleMath.log(1 - ReproducibleMath.exp(-dt))
  }
}
