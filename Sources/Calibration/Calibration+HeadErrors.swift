import Canonical
import Kernels
import Runtime
import Threads

extension Calibration {
  /// The relative error of a new layer's output without each of its heads, on held-out sequences.
  /// - Throws: as `fitted`.
  public func headErrors(
    _ changed: CanonicalModel, layer: Int, to original: CanonicalModel,
    _ sequences: CalibrationSequences
  ) throws -> [Double] {
    guard case .m2rnn(let mixer) = changed.configuration.layers[layer].mixer else { return [] }
    let fitted = try FittedLayer(
      try LayerShape(mixer, hidden: changed.configuration.hidden), sequences: 1,
      length: sequences.segment(limit: Self.segment), pool: ThreadPool(threads: threads))
    try fitted.load(changed, layer: layer)
    let recording = try MixerRecording(
      try Model(original), layer: layer, sequences.heldOut, threads: threads)
    var errors = Array(repeating: 0.0, count: fitted.shape.N)
    try CalibrationJob.run(fitted, recording, order: Array(0..<recording.sequences)) { _ in
      for (head, error) in fitted.squaredErrorsWithoutHeads().enumerated() { errors[head] += error }
      return true
    }
    return errors.map { ($0 / Double(recording.outputs.count) / recording.power).squareRoot() }
  }
}

extension FittedLayer {
  /// The squared error of the segment that was run last, with what each head adds taken out.
  fileprivate func squaredErrorsWithoutHeads() -> [Double] {
    let (H, NV, V) = (shape.H, shape.NV, shape.V)
    let o = values(.o)
    return (0..<shape.N).map { head in
      (0..<length).reduce(0.0) { sum, row in
        let weighted = memory.weighted.pointer + (row * NV + head * V)
        return (0..<H).reduce(sum) { sum, h in
          var error = memory.output.pointer[row * H + h] - memory.target.pointer[row * H + h]
          for j in 0..<V { error -= o[h * NV + head * V + j] * weighted[j] }
          return sum + Double(error) * Double(error)
        }
      }
    }
  }
}
