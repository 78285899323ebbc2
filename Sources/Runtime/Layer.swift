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
  private let placement: LayerConfiguration.NormPlacement
  private let mixerNorm: Norm
  private let feedForwardNorm: Norm
  private let residualScale: Float

  init(_ configuration: LayerConfiguration, _ binder: Binder, rotary: RotaryTable?) throws {
    let model = binder.model.configuration
    mixer = try configuration.mixer.block(binder, rotary: rotary)
    let mlp = configuration.feedForward
    switch mlp.kind {
    case .dense:
      feedForward = .dense(try DenseBlock(mlp, binder, .whole))
    case .moe: feedForward = .experts(try ExpertBlock(mlp, binder))
    }
    placement = configuration.normPlacement
    mixerNorm = try binder.norm("mixer_norm", model.hidden)
    feedForwardNorm = try binder.norm("mlp_norm", model.hidden)
    residualScale = Float(model.residualScale)
  }

  /// Runs the layer on the residual stream in the workspace, `[t, H]`.
  /// - Parameter index: which layer it is.
  func forward(
    _ segment: Segment, at index: Int, _ workspace: Workspace,
    observe: (_ input: UnsafePointer<Float>, _ output: UnsafePointer<Float>) throws -> Void
  ) rethrows {
    try residual(mixerNorm, segment, workspace) { x, y in
      mix(x, segment, index, workspace, output: y)
      try observe(x, y)
    }
    residual(feedForwardNorm, segment, workspace) { x, y in
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

  /// `h += scale · block(norm(h))`, or `h += scale · norm(block(h))`.
  private func residual(
    _ norm: Norm, _ segment: Segment, _ workspace: Workspace,
    _ block: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) throws -> Void
  ) rethrows {
    let t = segment.count
    let (h, x, y) = (
      workspace.hidden.pointer, workspace.normed.pointer, workspace.blockOutput.pointer
    )
    switch placement {
    case .pre:
      norm.apply(h, rows: t, to: x, workspace.pool)
      try block(x, y)
    case .post:
      try block(h, y)
      norm.apply(y, rows: t, to: y, workspace.pool)
    }
    kernels.elementwise.add(h, y, scale: residualScale, count: t * norm.width)
  }

  /// The scratch values that the layer's blocks need, one after the other in the same place.
  func blockScratch(tokens t: Int) -> Int {
    var (mixing, feeding) = (Arena.counting, Arena.counting)
    mixer?.measure(tokens: t, &mixing)
    switch feedForward {
    case .dense(let block): _ = DenseBlock.Buffers(block, tokens: t, &feeding)
    case .experts(let block): block.measure(tokens: t, &feeding)
    }
    return max(mixing.used, feeding.used)
  }

  /// The values that one worker needs in this layer.
  func workerScratch(tokens t: Int) -> Int {
    let mixing = mixer?.workerScratch ?? 0
    guard case .experts(let block) = feedForward else { return mixing }
    return max(mixing, block.workerScratch(tokens: t))
  }
}
