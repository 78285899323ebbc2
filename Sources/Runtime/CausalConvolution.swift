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

  /// Convolves a segment and keeps its last inputs for the next one.
  ///
  /// - Shape: `input` `[history + steps, channels]`, of which the first rows are filled here;
  ///   `output` `[steps, channels]`; `tail` `[history, channels]`.
  /// - Returns: the output, or the input itself where there is no convolution.
  func run(
    _ input: UnsafeMutablePointer<Float>, tail: FloatBuffer, steps: Int,
    output: UnsafeMutablePointer<Float>, _ pool: ThreadPool
  ) -> UnsafeMutablePointer<Float> {
    guard taps > 0 else { return input }
    input.update(from: tail.pointer, count: history * channels)
    pool.run(steps, by: 16) { range in
      kernels.convolution.causal(
        input + range.lowerBound * channels, weight: weight.pointer,
        bias: bias.map { UnsafePointer($0.pointer) }, taps: taps, steps: range.count,
        channels: channels, y: output + range.lowerBound * channels)
    }
    tail.pointer.update(from: input + steps * channels, count: history * channels)
    return output
  }
}
