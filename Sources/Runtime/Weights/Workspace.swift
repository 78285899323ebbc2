import Kernels
import Threads

/// The scratch memory and threads of a forward pass, allocated once and used for every segment.
///
/// A workspace serves one caller at a time; sequences and segments may take turns.
public final class Workspace {
  /// The most tokens of one segment.
  public let segmentLength: Int
  /// The number of threads.
  public var threads: Int { pool.threads }

  let pool: ThreadPool
  /// The slices of the segment that ran last; the array is kept so that a token needs no new one.
  var slices: [Segment.Slice] = []
  /// The residual stream, `[segment, S·H]`.
  let hidden: FloatBuffer
  /// The input of a block, `[segment, H]`.
  let normed: FloatBuffer
  /// The output of a block, `[segment, H]`.
  let blockOutput: FloatBuffer
  /// What each of several streams gets of the output of a block, `[segment, S]`.
  let shares: FloatBuffer
  /// `[segment, vocab]`, or `[segment, H]` without a language head; pages are touched as logits are
  /// asked for.
  let logits: FloatBuffer
  /// `[segment, rope.dim / 2]` each.
  let cosines: FloatBuffer
  let sines: FloatBuffer
  /// How sure the router of the layer that ran last was of each token, `[segment]`; nil where nobody asks.
  private(set) var routerGaps: FloatBuffer?
  private let block: FloatBuffer
  private let perWorker: FloatBuffer
  private let workerCount: Int

  /// How many values a model needs.
  struct Sizes {
    /// H, of each token.
    let hidden: Int
    /// S·H, of each token.
    let stream: Int
    /// S
    let streams: Int
    /// Of each token.
    let output: Int
    /// The pairs of dims that RoPE turns, in all tables, of each token.
    let rotated: Int
    /// Of the block that needs most.
    let block: Int
    /// Of one worker.
    let worker: Int
  }

  /// Allocates scratch of some sizes.
  init(_ sizes: Sizes, segmentLength length: Int, threads: Int) throws {
    segmentLength = length
    pool = ThreadPool(threads: threads)
    hidden = try FloatBuffer(length * sizes.stream)
    shares = try FloatBuffer(length * sizes.streams)
    normed = try FloatBuffer(length * sizes.hidden)
    blockOutput = try FloatBuffer(length * sizes.hidden)
    logits = try FloatBuffer(length * sizes.output)
    cosines = try FloatBuffer(length * sizes.rotated)
    sines = try FloatBuffer(length * sizes.rotated)
    block = try FloatBuffer(sizes.block)
    workerCount = (sizes.worker + 15) / 16 * 16
    perWorker = try FloatBuffer(workerCount * pool.threads)
  }

  /// Makes layers with experts say how sure their routers are.
  /// - Throws: `Problem` of kind `io` where memory is short.
  public func watchRouters() throws { routerGaps = try FloatBuffer(segmentLength) }

  /// How sure the router of the layer that ran last was of its choices: how far the score of the last expert
  /// that a token takes lies above that of the first that it does not. Means nothing for a layer without experts,
  /// and is empty where routers are not watched.
  /// - Shape: `[tokens]`.
  public func routerGaps(tokens: Int) -> [Float] {
    routerGaps.map {
      Array(UnsafeBufferPointer(start: $0.pointer, count: min(tokens, segmentLength)))
    } ?? []
  }

  /// The scratch of the block that runs now.
  var arena: Arena { Arena(block.pointer) }

  /// The scratch of one worker.
  func scratch(_ worker: Int) -> UnsafeMutablePointer<Float> {
    perWorker.pointer + worker * workerCount
  }

  /// Packs rows for the linear layers that read them.
  /// - Shape: `x` `[tokens, depth]`.
  func pack(
    _ x: UnsafePointer<Float>, tokens: Int, depth: Int, panels: UnsafeMutablePointer<Float>
  ) -> Operand {
    let operand = Operand(
      rows: x, panels: panels, tokens: tokens, depth: depth, threads: threads)
    pool.run(Operand.panels(tokens)) { panel, _ in operand.pack(panel: panel) }
    return operand
  }

  /// Computes a linear layer.
  /// - Shape: `target` `[tokens, rows]` with row stride `stride`, by default the number of rows.
  func multiply(
    _ operand: Operand, _ projection: Projection, to target: UnsafeMutablePointer<Float>,
    stride: Int? = nil
  ) {
    let stride = stride ?? projection.weight.rows
    pool.run(projection.chunks(operand)) { chunk, worker in
      projection.run(
        chunk: chunk, operand, to: target, stride: stride, scratch: scratch(worker))
    }
  }

  /// Applies an activation to `[rows, width]`, and multiplies by other rows where there are some.
  func activate(
    _ x: UnsafeMutablePointer<Float>, _ activation: ActivationFunction, rows: Int, width: Int,
    times other: UnsafePointer<Float>? = nil
  ) {
    pool.run(rows, by: 8) { range in
      let count = width * range.count
      let start = x + range.lowerBound * width
      activation.apply(start, count: count)
      if let other {
        kernels.elementwise.multiply(start, by: other + range.lowerBound * width, count: count)
      }
    }
  }
}
