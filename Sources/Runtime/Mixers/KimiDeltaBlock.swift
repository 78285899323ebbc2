import Canonical
import Kernels

/// A Kimi Delta Attention mixer with its weights.
///
/// Maths letters: `n` heads of dim `d`, `D = n·d`, `C` convolution channels, `t` tokens of a segment.
struct KimiDeltaBlock: MixerBlock {
  let configuration: KimiDeltaAttention
  private let H: Int
  private let inputs: ConvolvedInputs
  private let f: FactoredProjection
  private let g: FactoredProjection
  private let b: Projection
  private let o: Projection
  let decay: ChannelDecay
  let norm: Norm

  var n: Int { configuration.heads }
  var d: Int { configuration.headDim }
  var D: Int { n * d }
  var heads: DeltaRuleHeads {
    DeltaRuleHeads(keyHeads: n, valueHeads: n, keyDim: d, valueDim: d)
  }

  init(_ configuration: KimiDeltaAttention, _ binder: Binder) throws {
    self.configuration = configuration
    let model = binder.model.configuration
    H = model.hidden
    let (d, D) = (configuration.headDim, configuration.heads * configuration.headDim)
    inputs = try ConvolvedInputs(
      "kda", .init(q: D, k: D, v: D, taps: configuration.taps),
      activation: ActivationFunction(configuration.activation), binder)
    let rank = configuration.isLowRank ? d : nil
    f = try FactoredProjection("kda.f", rank: rank, rows: D, columns: H, binder)
    g = try FactoredProjection("kda.g", rank: rank, rows: D, columns: H, binder)
    b = try binder.projection("kda.b", configuration.heads, H)
    o = try binder.projection("kda.o", H, D)
    decay = ChannelDecay(
      logA: try binder.values("kda.A_log", [configuration.heads]),
      dtBias: try binder.vector("kda.dt_bias", [D]),
      lowerBound: configuration.hasSafeGate ? configuration.lowerBound : nil)
    norm = Norm(
      kind: .rmsnorm, width: d, epsilon: Float(configuration.normEpsilon ?? model.normEpsilon),
      weight: try binder.vector("kda.norm", [d]), bias: nil)
  }

  func makeState(capacity: Int, segmentLength: Int) throws -> (any MixerState)? {
    try RecurrentState(tail: inputs.tail, matrices: heads.stateCount)
  }

  struct Buffers {
    let panels: UnsafeMutablePointer<Float>  // [t, H] packed
    let convolution: CausalConvolution.Buffers  // [t, C]
    let factors: (f: FactoredProjection.Buffers, g: FactoredProjection.Buffers)
    let gamma: UnsafeMutablePointer<Float>  // [t, D]
    let gate: UnsafeMutablePointer<Float>  // [t, D]
    let beta: UnsafeMutablePointer<Float>  // [t, n]
    let y: UnsafeMutablePointer<Float>  // [t, D]
    let outputPanels: UnsafeMutablePointer<Float>  // [t, D] packed

    init(_ block: KimiDeltaBlock, tokens t: Int, _ arena: inout Arena) {
      panels = arena.take(Operand.panelCount(tokens: t, depth: block.H))
      convolution = block.inputs.buffers(tokens: t, &arena)
      factors = (
        FactoredProjection.Buffers(block.f, tokens: t, &arena),
        FactoredProjection.Buffers(block.g, tokens: t, &arena)
      )
      gamma = arena.take(t * block.D)
      gate = arena.take(t * block.D)
      beta = arena.take(t * block.n)
      y = arena.take(t * block.D)
      outputPanels = arena.take(Operand.panelCount(tokens: t, depth: block.D))
    }
  }

  func measure(tokens t: Int, _ arena: inout Arena) { _ = Buffers(self, tokens: t, &arena) }

  /// - Shape: `x` and `output` `[t, H]`.
  func forward(
    _ x: UnsafePointer<Float>, _ segment: Segment, layer: Int, _ workspace: Workspace,
    output: UnsafeMutablePointer<Float>
  ) {
    let t = segment.count
    var arena = workspace.arena
    let buffers = Buffers(self, tokens: t, &arena)
    let operand = workspace.pack(x, tokens: t, depth: H, panels: buffers.panels)
    inputs.run(operand, buffers.convolution, segment, layer: layer, workspace)
    f.run(operand, buffers.factors.f, workspace, to: buffers.gamma)
    g.run(operand, buffers.factors.g, workspace, to: buffers.gate)
    workspace.multiply(operand, b, to: buffers.beta)
    workspace.pool.run(t, by: 16) { rows in
      for row in rows { prepare(row, buffers) }
    }
    // Gates depend on one token each, the rule on all before it: its tasks are heads.
    workspace.pool.run(segment.slices.count * n) { task, worker in
      scan(
        head: task % n, buffers, segment.slices[task / n], layer: layer,
        scratch: workspace.scratch(worker))
    }
    workspace.pool.run(t, by: 16) { rows in
      for row in rows { finish(row, buffers) }
    }
    // The output of every head is normed and gated, then all of them are projected.
    let y = workspace.pack(buffers.y, tokens: t, depth: D, panels: buffers.outputPanels)
    workspace.multiply(y, o, to: output)
  }
}
