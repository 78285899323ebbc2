import Canonical
import Kernels

/// An M²RNN mixer with its weights (arXiv 2603.14360).
///
/// Maths letters: `N` heads of `K` × `V` states, `Nq` … `Nw` the heads of each input, `C` channels of
/// queries, keys and values, `t` tokens of a segment.
struct M2RNNBlock: MixerBlock {
  let configuration: M2RNN
  private let H: Int
  private let inputs: ConvolvedInputs
  private let f: Projection
  private let g: Projection
  private let o: Projection
  private let decay: DecayGate
  private let norm: Norm?
  /// `[Nw, Vp, Vp]`, padded with zeros.
  let W: FloatBuffer
  /// `[N, V]`
  let D: FloatBuffer?

  var N: Int { configuration.heads }
  var K: Int { configuration.keyDim }
  var V: Int { configuration.valueDim }
  var C: Int { configuration.channels }
  /// V rounded up to what the kernel reads.
  var Vp: Int { Self.padded(configuration.valueDim) }

  static func padded(_ V: Int) -> Int {
    (V + kernels.matrixRecurrence.padding - 1) / kernels.matrixRecurrence.padding
      * kernels.matrixRecurrence.padding
  }

  init(_ configuration: M2RNN, _ binder: Binder) throws {
    self.configuration = configuration
    H = binder.model.configuration.hidden
    let (N, K, V) = (configuration.heads, configuration.keyDim, configuration.valueDim)
    let bias = configuration.hasBias
    inputs = try ConvolvedInputs(
      "m2rnn",
      .init(
        q: configuration.queryHeads * K, k: configuration.keyHeads * K,
        v: configuration.valueHeads * V, taps: configuration.taps, hasBias: bias),
      activation: configuration.taps == 0
        ? ActivationFunction(.identity)
        : try binder.activation(configuration.activation, slope: "m2rnn.conv.slope"), binder)
    f = try binder.projection("m2rnn.f", configuration.forgetHeads, H, bias: bias)
    g = try binder.projection("m2rnn.g", configuration.gateHeads * V, H, bias: bias)
    o = try binder.projection("m2rnn.o", H, configuration.gateHeads * V)
    decay = DecayGate(
      logA: try binder.values("m2rnn.A_log", [N]), dtBias: try binder.values("m2rnn.dt_bias", [N]))
    norm = try configuration.norm.map { kind in
      Norm(
        kind: kind, width: N * V, epsilon: Float(M2RNN.normEpsilon),
        weight: try binder.vector("m2rnn.norm", [N * V]),
        bias: kind == .layernorm && binder.has("m2rnn.norm.bias")
          ? try binder.vector("m2rnn.norm.bias", [N * V]) : nil)
    }
    W = try Self.paddedWeight(configuration, binder)
    D = configuration.hasResidual ? try binder.vector("m2rnn.D", [N, V]) : nil
  }

  private static func paddedWeight(_ m2rnn: M2RNN, _ binder: Binder) throws -> FloatBuffer {
    let (V, Vp) = (m2rnn.valueDim, padded(m2rnn.valueDim))
    let values = try binder.values("m2rnn.W", [m2rnn.weightHeads, V, V])
    let W = try FloatBuffer(m2rnn.weightHeads * Vp * Vp)
    for head in 0..<m2rnn.weightHeads {
      for row in 0..<V {
        for column in 0..<V {
          W.pointer[(head * Vp + row) * Vp + column] = values[(head * V + row) * V + column]
        }
      }
    }
    return W
  }

  /// States are `[N, K, Vp]`.
  func makeState(capacity: Int, segmentLength: Int) throws -> (any MixerState)? {
    try RecurrentState(tail: inputs.tail, matrices: N * K * Vp)
  }

  struct Buffers {
    let panels: UnsafeMutablePointer<Float>  // [t, H] packed
    let convolution: CausalConvolution.Buffers  // [t, C]
    let f: UnsafeMutablePointer<Float>  // [t, Nf]
    let forget: UnsafeMutablePointer<Float>  // [t, N]
    let g: UnsafeMutablePointer<Float>  // [t, Ng·V]
    let y: UnsafeMutablePointer<Float>  // [t, N·V]
    let outputPanels: UnsafeMutablePointer<Float>  // [t, N·V] packed

    init(_ block: M2RNNBlock, tokens t: Int, _ arena: inout Arena) {
      let (N, V) = (block.N, block.V)
      panels = arena.take(Operand.panelCount(tokens: t, depth: block.H))
      convolution = block.inputs.buffers(tokens: t, &arena)
      f = arena.take(t * block.configuration.forgetHeads)
      forget = arena.take(t * N)
      g = arena.take(t * N * V)
      y = arena.take(t * N * V)
      outputPanels = arena.take(Operand.panelCount(tokens: t, depth: N * V))
    }
  }

  func measure(tokens t: Int, _ arena: inout Arena) { _ = Buffers(self, tokens: t, &arena) }

  /// The values that one worker needs: the candidate state and one padded row.
  var workerScratch: Int { K * Vp + Vp }

  /// - Shape: `x` and `output` `[t, H]`.
  func forward(
    _ x: UnsafePointer<Float>, _ segment: Segment, layer: Int, _ workspace: Workspace,
    output: UnsafeMutablePointer<Float>
  ) {
    let t = segment.count
    let Nf = configuration.forgetHeads
    var arena = workspace.arena
    let buffers = Buffers(self, tokens: t, &arena)
    let operand = workspace.pack(x, tokens: t, depth: H, panels: buffers.panels)
    inputs.run(operand, buffers.convolution, segment, layer: layer, workspace)
    workspace.multiply(operand, f, to: buffers.f)
    workspace.multiply(operand, g, to: buffers.g)
    // Forget gates depend on one token each, the recurrence on all before it: its tasks are heads.
    workspace.pool.run(t, by: 16) { rows in
      for row in rows {
        decay.apply(buffers.f + row * Nf, groups: Nf, to: buffers.forget + row * N)
      }
    }
    workspace.pool.run(segment.slices.count * N) { task, worker in
      scan(
        head: task % N, buffers, segment.slices[task / N], layer: layer,
        workspace.scratch(worker))
    }
    // y is gated, normalised over all heads, and projected.
    workspace.activate(  // g becomes silu(g) ⊙ y
      buffers.g, .silu, rows: t, width: N * V, times: buffers.y)
    norm?.apply(buffers.g, rows: t, to: buffers.g, workspace.pool)
    let y = workspace.pack(buffers.g, tokens: t, depth: N * V, panels: buffers.outputPanels)
    workspace.multiply(y, o, to: output)
  }
}
