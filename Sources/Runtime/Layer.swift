import Canonical
import Kernels

/// One decoder layer with its weights.
struct Layer: Sendable {
  enum FeedForwardBlock: Sendable {
    case dense(DenseBlock)
    case experts(ExpertBlock)
  }

  /// The mixer; nil where it is carried through by name and cannot be computed.
  let mixer: (any MixerBlock)?
  let feedForward: FeedForwardBlock
  /// What is added to the streams before anything else.
  let ngrams: NgramBlock?
  private let aroundMixer: any BlockConnection
  private let aroundFeedForward: any BlockConnection

  init(_ configuration: LayerConfiguration, _ binder: Binder, rotary: RotaryTable?) throws {
    mixer = try configuration.mixer.block(binder, rotary: rotary)
    let mlp = configuration.feedForward
    switch mlp.kind {
    case .dense:
      feedForward = .dense(try DenseBlock(mlp, binder, .whole))
    case .moe: feedForward = .experts(try ExpertBlock(mlp, binder))
    }
    ngrams =
      configuration.ngrams.isPresent ? try NgramBlock(configuration.ngrams, binder) : nil
    aroundMixer = try binder.connection("mixer", configuration.normPlacement)
    aroundFeedForward = try binder.connection("mlp", configuration.normPlacement)
  }

  /// Runs the layer on the residual stream in the workspace, `[t, S·H]`.
  /// - Parameter index: which layer it is.
  /// - Throws: what `observe` throws, and `Problem` of kind `io` where a row of n-gram embeddings cannot be read.
  func forward(
    _ segment: Segment, at index: Int, _ workspace: Workspace,
    observe: (_ input: UnsafePointer<Float>, _ output: UnsafePointer<Float>) throws -> Void
  ) throws {
    try ngrams?.forward(segment, layer: index, workspace)
    try aroundMixer.run(tokens: segment.count, workspace) { x, y in
      mix(x, segment, index, workspace, output: y)
      try observe(x, y)
    }
    aroundFeedForward.run(tokens: segment.count, workspace) { x, y in
      switch feedForward {
      case .dense(let block):
        var arena = workspace.arena
        block.forward(x, tokens: segment.count, workspace, &arena, output: y)
      case .experts(let block):
        block.forward(x, tokens: segment.count, workspace, output: y)
      }
    }
  }

  private func mix(
    _ x: UnsafePointer<Float>, _ segment: Segment, _ index: Int, _ workspace: Workspace,
    output: UnsafeMutablePointer<Float>
  ) {
    guard let mixer else { preconditionFailure("mixers are checked before a segment runs") }
    mixer.forward(x, segment, layer: index, workspace, output: output)
  }

  /// The scratch values that the layer's blocks need, one after the other in the same place.
  func blockScratch(tokens t: Int) -> Int {
    var (mixing, feeding) = (Arena.counting, Arena.counting)
    mixer?.measure(tokens: t, &mixing)
    switch feedForward {
    case .dense(let block): _ = DenseBlock.Buffers(block, tokens: t, &feeding)
    case .experts(let block): block.measure(tokens: t, &feeding)
    }
    var (connecting, looking) = (Arena.counting, Arena.counting)
    aroundMixer.measure(tokens: t, &connecting)
    ngrams?.measure(tokens: t, &looking)
    return max(mixing.used, feeding.used, connecting.used, looking.used)
  }

  /// The values that one worker needs in this layer.
  func workerScratch(tokens t: Int) -> Int {
    let mixing = mixer?.workerScratch ?? 0
    guard case .experts(let block) = feedForward else { return mixing }
    return max(mixing, block.workerScratch(tokens: t))
  }
}
