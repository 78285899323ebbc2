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
  /// The parts of the segment that ran last; the array is kept so that a token needs no new one.
  var parts: [Segment.Part] = []
  /// The residual stream, `[segment, H]`.
  let hidden: FloatBuffer
  /// The input of a block, `[segment, H]`.
  let normed: FloatBuffer
  /// The output of a block, `[segment, H]`.
  let blockOutput: FloatBuffer
  /// `[segment, vocab]`; pages are touched as logits are asked for.
  let logits: FloatBuffer
  /// `[segment, rope.dim / 2]` each.
  let cosines: FloatBuffer
  let sines: FloatBuffer
  private let block: FloatBuffer
  private let perWorker: FloatBuffer
  private let workerCount: Int

  /// The most logits of a segment, 256 MiB of them: a large vocabulary makes segments shorter.
  private static let mostLogits = 1 << 26

  /// Allocates what a model needs for segments of some length, or of a shorter one where the vocabulary
  /// is very large.
  ///
  /// - Parameter threads: the number of threads; 0 stands for the active cores. Results do not
  ///   depend on it.
  /// - Throws: `Problem` of kind `io` where memory is short.
  /// - Cost: mainly `4 · segmentLength · vocab` bytes where all logits are asked for.
  public init(_ model: Model, segmentLength: Int = 256, threads: Int = 0) throws {
    let most = max(Self.mostLogits / max(model.configuration.vocabulary, 1), 1)
    let length = min(max(segmentLength, 1), most)
    self.segmentLength = length
    pool = ThreadPool(threads: threads)
    let H = model.configuration.hidden
    hidden = try FloatBuffer(length * H)
    normed = try FloatBuffer(length * H)
    blockOutput = try FloatBuffer(length * H)
    logits = try FloatBuffer(length * model.configuration.vocabulary)
    let half = model.rotary.values.reduce(0) { $0 + $1.half }
    cosines = try FloatBuffer(length * half)
    sines = try FloatBuffer(length * half)
    let measured = hidden.pointer
    block = try FloatBuffer(model.blockScratch(tokens: length, measured))
    workerCount = (model.workerScratch(tokens: length) + 15) / 16 * 16
    perWorker = try FloatBuffer(workerCount * pool.threads)
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
    let operand = Operand(rows: x, panels: panels, tokens: tokens, depth: depth)
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
    pool.run(projection.chunks(tokens: operand.tokens)) { chunk, worker in
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
