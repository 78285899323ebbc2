import Diagnostics
import Runtime
import Tensors

/// One fit of a layer, from recorded inputs and outputs.
struct CalibrationJob {
  private let layer: FittedLayer
  private let fitting: MixerRecording
  private let heldOut: MixerRecording
  private let settings: Calibration

  /// The largest step of a value, as a share of the size of its tensor.
  private static let rate = 0.1
  /// How often the held-out sequences are looked at.
  private static let checks = 10
  /// The number of looks without a better error after which the fit ends.
  private static let patience = 3

  init(
    _ layer: FittedLayer, fitting: MixerRecording, heldOut: MixerRecording, settings: Calibration
  ) {
    (self.layer, self.fitting, self.heldOut, self.settings) = (layer, fitting, heldOut, settings)
  }

  /// Fits the layer in place.
  func run(_ progress: (Double) -> Void) throws -> CalibrationReport {
    var report = CalibrationReport()
    report.before = try error()
    var best = Best(layer, report.before)
    try closedForm(&report)
    report.closedForm = try error()
    best.update(layer, report.closedForm)
    if settings.fitsAll {
      try optimise(&report, &best, progress)
      best.restore(layer)
      try closedForm(&report)
      best.update(layer, try error())
    }
    best.restore(layer)
    report.after = best.error
    guard report.after.isFinite else {
      throw Problem(.invalid, "the new layer computes values that are not finite")
    }
    return report
  }

  private func closedForm(_ report: inout CalibrationReport) throws {
    var fit = try RidgeFit(layer.shape)
    try run(fitting, order: Array(0..<fitting.sequences)) { count in
      fit.add(layer, rows: count * layer.length)
      return true
    }
    let solution = try settings.fitsAll ? fit.project(layer) : fit.scale(layer)
    (report.ridge, report.condition) = (solution.ridge, solution.condition)
  }

  /// Runs sequences in batches, and calls `body` after each segment with the number of sequences until it
  /// returns false.
  private func run(
    _ recording: MixerRecording, order: [Int], _ body: (Int) throws -> Bool
  ) throws {
    try Self.run(layer, recording, order: order, body)
  }

  /// The same for any layer.
  static func run(
    _ layer: FittedLayer, _ recording: MixerRecording, order: [Int], _ body: (Int) throws -> Bool
  ) throws {
    for first in stride(from: 0, to: order.count, by: layer.sequences) {
      let batch = Array(order[first..<min(first + layer.sequences, order.count)])
      layer.restart()
      for start in stride(from: 0, to: recording.length, by: layer.length) {
        copy(recording, batch, start, to: layer)
        layer.forward(sequences: batch.count)
        guard try body(batch.count) else { return }
      }
    }
  }

  private static func copy(
    _ recording: MixerRecording, _ batch: [Int], _ start: Int, to layer: FittedLayer
  ) {
    let (H, L) = (layer.shape.H, layer.length)
    for (place, sequence) in batch.enumerated() {
      let at = (sequence * recording.length + start) * H
      (layer.memory.x.pointer + place * L * H)
        .update(from: recording.inputs.pointer + at, count: L * H)
      (layer.memory.target.pointer + place * L * H)
        .update(from: recording.outputs.pointer + at, count: L * H)
    }
  }

  private func error() throws -> Double {
    var sum = 0.0
    try run(heldOut, order: Array(0..<heldOut.sequences)) { count in
      sum += layer.squaredErrors(rows: count * layer.length).reduce(0, +)
      return true
    }
    return (sum / Double(heldOut.outputs.count) / heldOut.power).squareRoot()
  }

  // MARK: gradients

  private func optimise(
    _ report: inout CalibrationReport, _ best: inout Best, _ progress: (Double) -> Void
  ) throws {
    var adam = try Adam(groups, steps: settings.steps, rate: Self.rate)
    var bits = SplitMix64(seed: settings.seed)
    var order = Array(0..<fitting.sequences)
    var sinceBest = 0
    while report.steps < settings.steps, sinceBest < Self.patience {
      shuffle(&order, &bits)
      let stop = min(
        report.steps + max(settings.steps / Self.checks, 1), settings.steps)
      while report.steps < stop {
        try run(fitting, order: order) { count in
          step(count, &adam)
          report.steps += 1
          progress(Double(report.steps) / Double(settings.steps))
          return report.steps < stop
        }
        shuffle(&order, &bits)
      }
      sinceBest = best.update(layer, try error()) ? 0 : sinceBest + 1
    }
  }

  private func step(_ count: Int, _ adam: inout Adam) {
    let values = Double(count * layer.length * layer.shape.H)
    layer.backward(sequences: count, factor: Float(1 / (values * fitting.power)))
    adam.advance(layer.parameters.pointer, layer.gradient.pointer, layer.pool)
  }

  private func shuffle(_ order: inout [Int], _ bits: inout SplitMix64) {
    for index in order.indices.dropFirst() {
      order.swapAt(index, Int(bits.next() % UInt64(index + 1)))
    }
  }

  /// The unit of the step size of each tensor: its root mean square, or 1 for tensors that start at zero
  /// and for factors and exponents.
  private var groups: [Adam.Group] {
    LayerShape.Parameter.allCases.map { parameter in
      let count = layer.shape.count(parameter)
      let values = UnsafeBufferPointer(start: layer.values(parameter), count: count)
      let square = values.reduce(0) { $0 + $1 * $1 } / Float(count)
      let size: Float =
        switch parameter {
        case .weight: 1 / Float(layer.shape.V).squareRoot()
        case .D, .decay, .bias, .norm: 1
        default: max(square.squareRoot(), 1e-6)
        }
      let offset = layer.shape.offset(parameter)
      return Adam.Group(range: offset..<offset + count, size: size)
    }
  }
}

/// The values of a layer at its least error so far.
private struct Best {
  private var values: [Float]
  private(set) var error: Double

  init(_ layer: FittedLayer, _ error: Double) {
    values = []
    self.error = .infinity
    update(layer, error)
  }

  @discardableResult
  mutating func update(_ layer: FittedLayer, _ error: Double) -> Bool {
    guard values.isEmpty || error < self.error else { return false }
    self.error = error
    values = Array(
      UnsafeBufferPointer(start: layer.parameters.pointer, count: layer.parameters.count))
    return true
  }

  func restore(_ layer: FittedLayer) {
    layer.parameters.pointer.update(from: values, count: values.count)
  }
}
