import Canonical
import Kernels

extension Workspace {
  /// The most logits of a segment, 256 MiB of them: a large vocabulary makes segments shorter.
  private static let mostLogits = 1 << 26

  /// Allocates what a model needs for segments of some length, or of a shorter one where the vocabulary
  /// is very large.
  ///
  /// - Parameter threads: the number of threads; 0 stands for the active cores. Results do not
  ///   depend on it.
  /// - Throws: `Problem` of kind `io` where memory is short.
  /// - Cost: mainly `4 · segmentLength · vocab` bytes where all logits are asked for.
  public convenience init(_ model: Model, segmentLength: Int = 256, threads: Int = 0) throws {
    let most = max(Self.mostLogits / max(model.configuration.outputWidth, 1), 1)
    let length = min(max(segmentLength, 1), most)
    try self.init(model.scratch(tokens: length), segmentLength: length, threads: threads)
  }
}

extension Model {
  /// What a workspace holds for segments of some length.
  fileprivate func scratch(tokens: Int) -> Workspace.Sizes {
    var final = Arena.counting
    _ = final.take(Operand.panelCount(tokens: tokens, depth: configuration.hidden))
    var ending = Arena.counting
    self.ending.measure(tokens: tokens, &ending)
    let linear = Projection.scratchCount(tokens: tokens)
    return Workspace.Sizes(
      hidden: configuration.hidden, stream: configuration.streamWidth,
      streams: configuration.streams, output: configuration.outputWidth,
      rotated: rotary.values.reduce(0) { $0 + $1.half },
      block: layers.reduce(max(final.used, ending.used)) {
        max($0, $1.blockScratch(tokens: tokens))
      },
      worker: layers.reduce(linear) { max($0, $1.workerScratch(tokens: tokens)) })
  }
}
