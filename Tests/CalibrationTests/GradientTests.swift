import Canonical
import GraftTestSupport
import Testing
import Threads

@testable import Calibration
@testable import Runtime

/// The gradient of a layer against finite differences of plain arithmetic.
@Suite struct GradientTests {
  /// Sizes that fill vectors and sizes that do not.
  static let sizes = [
    (H: 6, N: 3, K: 3, V: 5), (H: 5, N: 1, K: 1, V: 1), (H: 4, N: 2, K: 2, V: 17),
  ]

  static func shape(_ size: (H: Int, N: Int, K: Int, V: Int)) throws -> LayerShape {
    var mixer = M2RNN()
    (mixer.keyDim, mixer.valueDim) = (size.K, size.V)
    (mixer.queryHeads, mixer.keyHeads) = (1, 1)
    (mixer.valueHeads, mixer.forgetHeads) = (size.N, size.N)
    (mixer.gateHeads, mixer.weightHeads) = (size.N, size.N)
    (mixer.hasResidual, mixer.taps, mixer.activation) = (true, 4, .silu)
    mixer.norm = .rmsnorm
    return try LayerShape(mixer, hidden: size.H)
  }

  /// A layer with random values, run over one segment, so that states are not zero.
  struct Case {
    let layer: FittedLayer
    let plain: PlainLayer
    let x: [[[Double]]]
    let targets: [[[Double]]]
    let states: [PlainLayer.State]

    static let sequences = 2
    static let length = 4

    init(_ shape: LayerShape, threads: Int = 1) throws {
      var generator = SeededGenerator(seed: 11)
      let layer = try FittedLayer(
        shape, sequences: Self.sequences, length: Self.length, pool: ThreadPool(threads: threads))
      for index in 0..<shape.parameterCount {
        layer.parameters.pointer[index] = 0.7 * generator.float()
      }
      let plain = PlainLayer(
        shape: shape,
        values: (0..<shape.parameterCount).map { Double(layer.parameters.pointer[$0]) })
      (self.layer, self.plain) = (layer, plain)
      func rows() -> [[Double]] {
        (0..<Self.length).map { _ in (0..<shape.H).map { _ in Double(1.5 * generator.float()) } }
      }
      let warmUp = (0..<Self.sequences).map { _ in rows() }
      let inputs = (0..<Self.sequences).map { _ in rows() }
      (x, targets) = (inputs, (0..<Self.sequences).map { _ in rows() })
      layer.restart()
      Self.fill(layer.memory.x, warmUp)
      layer.forward(sequences: Self.sequences)
      states = warmUp.map {
        var state = plain.start()
        _ = plain.outputs($0, &state)
        return state
      }
      Self.fill(layer.memory.x, inputs)
      Self.fill(layer.memory.target, targets)
      layer.forward(sequences: Self.sequences)
    }

    private static func fill(_ buffer: FloatBuffer, _ rows: [[[Double]]]) {
      for (index, value) in rows.joined().joined().enumerated() {
        buffer.pointer[index] = Float(value)
      }
    }

    func loss(_ plain: PlainLayer) -> Double {
      var sum = 0.0
      for (sequence, rows) in x.enumerated() {
        var state = states[sequence]
        let outputs = plain.outputs(rows, &state)
        for (a, b) in zip(outputs.joined(), targets[sequence].joined()) { sum += (a - b) * (a - b) }
      }
      return sum
    }
  }

  @Test(arguments: 0..<sizes.count)
  func outputsAreThoseOfPlainArithmetic(_ index: Int) throws {
    let item = try Case(Self.shape(Self.sizes[index]))
    var at = 0
    for (sequence, rows) in item.x.enumerated() {
      var state = item.states[sequence]
      for value in item.plain.outputs(rows, &state).joined() {
        #expect(abs(Double(item.layer.memory.output.pointer[at]) - value) < 2e-5)
        at += 1
      }
    }
    let errors = item.layer.squaredErrors(rows: Case.sequences * Case.length).reduce(0, +)
    #expect(abs(errors / item.loss(item.plain) - 1) < 1e-5)
  }

  @Test(arguments: 0..<sizes.count)
  func gradientsAreFiniteDifferences(_ index: Int) throws {
    let shape = try Self.shape(Self.sizes[index])
    let item = try Case(shape)
    item.layer.backward(sequences: Case.sequences, factor: 1)
    for part in LayerShape.Parameter.allCases {
      let range = shape.offset(part)..<shape.offset(part) + shape.count(part)
      let step = max(1, range.count / 5)
      let differences = stride(from: range.lowerBound, to: range.upperBound, by: step).map { at in
        var (more, less) = (item.plain, item.plain)
        more.values[at] += 1e-5
        less.values[at] -= 1e-5
        return (at, (item.loss(more) - item.loss(less)) / 2e-5)
      }
      let largest = differences.map { abs($0.1) }.max() ?? 0
      #expect(largest > 1e-4, "\(part)")
      for (at, expected) in differences {
        let found = Double(item.layer.gradient.pointer[at])
        #expect(abs(found - expected) < 3e-4 * max(largest, 1e-2), "\(part) \(at)")
      }
    }
  }

  @Test func threadsDoNotMatter() throws {
    let shape = try Self.shape((H: 33, N: 5, K: 7, V: 9))
    let results = try [1, 2, 5].map { threads in
      let item = try Case(shape, threads: threads)
      item.layer.backward(sequences: Case.sequences, factor: 0.5)
      return (0..<shape.parameterCount).map { item.layer.gradient.pointer[$0].bitPattern }
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }
}
