import GraftTestSupport
import Testing
import Threads

@testable import Calibration
@testable import Runtime

/// Outputs and gradients of a layer against those that torch's autograd gives for lm-engine's formulas.
@Suite struct RecordedGradientTests {
  @Test func torchGetsTheSame() throws {
    let file = try PlainCheckpointFile(Fixtures.path("gradients/m2rnn.safetensors"))
    func values(_ name: String) throws -> [Float] { try #require(file[name]).floats }
    let shape = try GradientTests.shape((H: 10, N: 3, K: 5, V: 4))
    let layer = try FittedLayer(shape, sequences: 2, length: 9, pool: ThreadPool(threads: 2))
    for part in LayerShape.Parameter.allCases {
      let name = LayerShape.role(part).dropFirst("m2rnn.".count)
      let value = try values("value.\(name)")
      try #require(value.count == shape.count(part))
      layer.values(part).update(from: value, count: value.count)
    }
    let (x, target, output) = (try values("x"), try values("target"), try values("output"))
    layer.memory.x.pointer.update(from: x, count: x.count)
    layer.memory.target.pointer.update(from: target, count: target.count)
    layer.forward(sequences: 2)
    for (index, expected) in output.enumerated() {
      #expect(abs(layer.memory.output.pointer[index] - expected) < 2e-5)
    }
    let loss = layer.squaredErrors(rows: 18).reduce(0, +)
    #expect(abs(loss / Double(try values("loss")[0]) - 1) < 1e-5)
    layer.backward(sequences: 2, factor: 1)
    for part in LayerShape.Parameter.allCases {
      let expected = try values("gradient.\(LayerShape.role(part).dropFirst("m2rnn.".count))")
      let largest = expected.map(abs).max() ?? 0
      for (index, value) in expected.enumerated() {
        #expect(abs(layer.gradient(part)[index] - value) < 2e-5 * largest, "\(part) \(index)")
      }
    }
  }
}
