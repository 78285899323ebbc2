import Canonical
import Foundation
import Testing

@testable import Runtime

@Suite struct ActivationKernelTests {
  /// Values of all sizes, near 0 and near every kink.
  private static let inputs: [Float] = {
    var values: [Float] = [0, 0.5, -0.5, 1, -1, 3, -3, 6, 20, 20.1, -20, 88, -87, 1e-20, -1e-20]
    for step in -2_000...2_000 { values.append(Float(step) * 0.0137) }
    for step in -300...300 { values.append(Float(step) * 1e-4) }
    return values
  }()

  /// Cancelling forms are measured against the size of what cancels, as torch computes them too.
  private func scale(_ activation: Activation, _ x: Double, _ y: Double) -> Double {
    switch activation {
    case .gelu, .geluTanh: max(abs(x), abs(y))
    case .tanhShrink where abs(x) >= 0.5: abs(x)
    default: abs(y)
    }
  }

  @Test(arguments: Activation.allCases)
  func agreesWithLibm(_ activation: Activation) {
    var values = Self.inputs
    ActivationFunction(activation, slope: 0.3).apply(&values, count: values.count)
    var worst = 0.0
    for (x, y) in zip(Self.inputs, values) {
      let expected = activation(Double(x), Double(Float(0.3)))
      let error = abs(Double(y) - expected) / max(scale(activation, Double(x), expected), 1e-37)
      worst = max(worst, error)
    }
    #expect(worst < 6e-7)
  }

  @Test(arguments: Activation.allCases)
  func keepsNaN(_ activation: Activation) {
    for count in [1, 8, 11] {
      var values = [Float](repeating: .nan, count: count)
      ActivationFunction(activation, slope: 0.3).apply(&values, count: count)
      #expect(values.allSatisfy { $0.isNaN })
    }
  }

  @Test(
    arguments: [
      (.sigmoid, 1, 0), (.tanh, 1, -1), (.softplus, .infinity, 0), (.relu, .infinity, 0),
      (.elu, .infinity, -1), (.logSigmoid, 0, -.infinity), (.hardTanh, 1, -1),
      (.leakyReLU, .infinity, -.infinity), (.softShrink, .infinity, -.infinity),
    ] as [(Activation, Float, Float)])
  func infinitiesGoWhereTheyShould(_ activation: Activation, plus: Float, minus: Float) {
    var values: [Float] = [.infinity, -.infinity]
    ActivationFunction(activation).apply(&values, count: 2)
    #expect(abs(values[0] - plus) < 2e-7 || values[0] == plus)
    #expect(abs(values[1] - minus) < 2e-7 || values[1] == minus)
  }
}
