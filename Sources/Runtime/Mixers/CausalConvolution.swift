import Kernels
import Threads

/// The causal depthwise convolution over queries, keys and values together.
struct CausalConvolution: Sendable {
  let taps: Int
  let channels: Int
  /// `[taps, channels]`
  private let weight: FloatBuffer
  /// `[channels]`
  private let bias: FloatBuffer?

  /// Joins the weights of queries, keys and values, `[rows, taps]` each.
  init(taps: Int, channels: Int, weights: [[Float]], biases: [[Float]]) throws {
    self.taps = taps
    self.channels = channels
    let joined = Array(weights.joined())
    weight = try FloatBuffer(
      (0..<taps).flatMap { tap in (0..<channels).map { joined[$0 * taps + tap] } })
    bias = biases.isEmpty ? nil : try FloatBuffer(Array(biases.joined()))
  }

  /// The inputs that a segment needs from before it.
  var history: Int { max(taps - 1, 0) }

  /// What a segment needs beside its inputs and outputs, `[2 · history, channels]`.
  var edgeCount: Int { 2 * history * channels }

  /// Convolves a segment and keeps its last inputs for the next one.
  ///
  /// - Shape: `input` and `output` `[segment, channels]`.
  /// - Returns: the output, or the input itself where there is no convolution.
  func run(
    _ input: UnsafeMutablePointer<Float>, _ segment: Segment, layer: Int,
    edge: UnsafeMutablePointer<Float>, output: UnsafeMutablePointer<Float>, _ pool: ThreadPool
  ) -> UnsafeMutablePointer<Float> {
    guard taps > 0 else { return input }
    for part in segment.parts {
      let first = part.rows.lowerBound * channels
      run(
        input + first, steps: part.rows.count, tail: part.recurrent(layer).tail.pointer,
        edge: edge, output: output + first, pool)
    }
    return output
  }

  /// Convolves one sequence: first what also needs inputs from before the segment, then the rest.
  /// - Shape: `tail` `[history, channels]`.
  private func run(
    _ input: UnsafeMutablePointer<Float>, steps: Int, tail: UnsafeMutablePointer<Float>,
    edge: UnsafeMutablePointer<Float>, output: UnsafeMutablePointer<Float>, _ pool: ThreadPool
  ) {
    let first = min(history, steps)
    let kept = history * channels
    edge.update(from: tail, count: kept)
    (edge + kept).update(from: input, count: first * channels)
    apply(edge, steps: first, to: output)
    pool.run(steps - first, by: 16) { range in
      let start = range.lowerBound * channels
      apply(input + start, steps: range.count, to: output + first * channels + start)
    }
    let last = steps < history ? edge + steps * channels : input + (steps - history) * channels
    tail.update(from: last, count: kept)
  }

  /// - Shape: `x` `[history + steps, channels]`, `y` `[steps, channels]`.
  private func apply(
    _ x: UnsafePointer<Float>, steps: Int, to y: UnsafeMutablePointer<Float>
  ) {
    kernels.convolution.causal(
      x, weight: weight.pointer, bias: bias.map { UnsafePointer($0.pointer) }, taps: taps,
      steps: steps, channels: channels, y: y)
  }
}
