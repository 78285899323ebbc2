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

  /// What a segment reads and writes.
  struct Buffers {
    let input: UnsafeMutablePointer<Float>  // [t, channels]
    let edge: UnsafeMutablePointer<Float>  // [2 · history, channels]
    /// The input itself where there is no convolution.
    let output: UnsafeMutablePointer<Float>  // [t, channels]

    init(_ convolution: CausalConvolution, tokens t: Int, _ arena: inout Arena) {
      let (history, channels) = (convolution.history, convolution.channels)
      input = arena.take(t * channels)
      edge = arena.take(2 * history * channels)
      output = convolution.taps == 0 ? input : arena.take(t * channels)
    }
  }

  /// Convolves a segment and keeps its last inputs for the next one.
  func run(_ buffers: Buffers, _ segment: Segment, layer: Int, _ pool: ThreadPool) {
    guard taps > 0 else { return }
    for slice in segment.slices {
      run(buffers, slice.rows, tail: slice.recurrent(layer).tail.pointer, pool)
    }
  }

  /// Convolves one sequence: first what also needs inputs from before the segment, then the rest.
  /// - Shape: `tail` `[history, channels]`.
  private func run(
    _ buffers: Buffers, _ rows: Range<Int>, tail: UnsafeMutablePointer<Float>, _ pool: ThreadPool
  ) {
    let (steps, edge) = (rows.count, buffers.edge)
    let input = buffers.input + rows.lowerBound * channels
    let output = buffers.output + rows.lowerBound * channels
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
    let weights = ConvolutionTaps(
      weight: weight.pointer, bias: bias.map { UnsafePointer($0.pointer) }, count: taps,
      channels: channels)
    kernels.convolution.causal(x, weights, steps: steps, y: y)
  }
}
