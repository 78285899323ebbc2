import Kernels

/// Queries, keys and values of a recurrence: projected side by side, convolved together, activated.
struct ConvolvedInputs: Sendable {
  /// How many rows the projections have, and what stands behind them.
  struct Sizes {
    let q, k, v: Int
    let taps: Int
    var hasBias = false

    /// The rows of each projection, by its name.
    var rows: [(name: String, count: Int)] { [("q", q), ("k", k), ("v", v)] }
  }

  /// The number of channels: queries, keys, values.
  let channels: Int
  private let projections: [Projection]
  private let convolution: CausalConvolution
  private let activation: ActivationFunction

  /// Binds `q`, `k` and `v` of a mixer, and `conv.q`, `conv.k` and `conv.v` where there are taps.
  /// - Throws: `Problem` of kind `invalid` where one is absent or has another shape.
  init(_ mixer: String, _ sizes: Sizes, activation: ActivationFunction, _ binder: Binder) throws {
    let (rows, taps) = (sizes.rows, sizes.taps)
    channels = rows.reduce(0) { $0 + $1.count }
    projections = try rows.map {
      try binder.projection(
        "\(mixer).\($0.name)", $0.count, binder.model.configuration.hidden, bias: sizes.hasBias)
    }
    convolution = try CausalConvolution(
      taps: taps, channels: channels,
      weights: taps == 0
        ? [] : rows.map { try binder.values("\(mixer).conv.\($0.name)", [$0.count, taps]) },
      biases: taps == 0 || !sizes.hasBias
        ? [] : rows.map { try binder.values("\(mixer).conv.\($0.name).bias", [$0.count]) })
    self.activation = activation
  }

  /// The values that a state keeps of one sequence.
  var tail: Int { convolution.history * channels }

  /// The scratch memory of a segment.
  func buffers(tokens t: Int, _ arena: inout Arena) -> CausalConvolution.Buffers {
    CausalConvolution.Buffers(convolution, tokens: t, &arena)
  }

  /// Fills the output of the buffers, `[t, channels]`.
  func run(
    _ operand: Operand, _ buffers: CausalConvolution.Buffers, _ segment: Segment, layer: Int,
    _ workspace: Workspace
  ) {
    // All projections read the same packed input, and go side by side into that of the convolution.
    var column = buffers.input
    for projection in projections {
      workspace.multiply(operand, projection, to: column, stride: channels)
      column += projection.weight.rows
    }
    convolution.run(buffers, segment, layer: layer, workspace.pool)
    workspace.activate(buffers.output, activation, rows: segment.count, width: channels)
  }
}
