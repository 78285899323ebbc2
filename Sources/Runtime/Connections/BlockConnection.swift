import Canonical

/// How a block of a layer is joined to the residual stream: what it reads of it, and how its output comes back.
protocol BlockConnection: Sendable {
  /// Runs a block between what it reads and what it adds, on the stream in the workspace.
  /// - Shape: the stream `[t, S·H]`, input and output of the block `[t, H]`.
  func run(
    tokens t: Int, _ workspace: Workspace,
    _ block: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) throws -> Void
  ) rethrows

  /// Takes the scratch memory of a segment, which is free again while the block runs.
  func measure(tokens t: Int, _ arena: inout Arena)
}

extension Binder {
  /// How a block is joined to the residual stream of the model, or to its streams.
  func connection(_ name: String, _ placement: LayerConfiguration.NormPlacement) throws
    -> any BlockConnection
  {
    let configuration = model.configuration
    if configuration.hasStreams {
      return try HyperConnection("\(name)_hyper", self, injects: true)
    }
    return ResidualConnection(
      placement: placement, norm: try norm("\(name)_norm", configuration.hidden),
      scale: Float(configuration.residualScale))
  }
}
